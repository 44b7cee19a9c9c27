/** The live layer, which is painted in each frame: strokes in progress, shapes that move, selections, cursors. */

import type { BoardReader } from "../model/board.ts";
import { type Box, grown, type Point, type Transform, unionOf, upright } from "../model/box.ts";
import { transformed } from "../model/commands.ts";
import type { Sample } from "../model/ink.ts";
import type { Color, Content, Shape } from "../model/shape.ts";
import { type Camera, toScreen } from "../scene/camera.ts";
import { inkPath } from "../scene/ink-path.ts";
import { fontOf, type PaintKit, paintShape } from "../scene/paint.ts";
import type { Person } from "../together/people.ts";
import type { Preview } from "../tools/gesture.ts";
import { CORNERS, handlePoint } from "../tools/handles.ts";

/** Someone else, at the place where their cursor is drawn now. */
export interface ShownPerson {
  readonly person: Person;
  readonly cursor: Point | null;
}

export interface LiveScene {
  readonly board: BoardReader;
  readonly camera: Camera;
  readonly pixelRatio: number;
  readonly kit: PaintKit;
  readonly preview: Preview;
  readonly selection: ReadonlySet<string>;
  readonly hasHandles: boolean;
  readonly people: readonly ShownPerson[];
}

type Context = CanvasRenderingContext2D;

export function paintLive(context: Context, scene: LiveScene): void {
  const { camera, pixelRatio, people, preview } = scene;
  const scale = camera.zoom * pixelRatio;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  context.setTransform(scale, 0, 0, scale, -camera.x * scale, -camera.y * scale);
  for (const { person } of people) paintActivity(context, scene, person);
  paintPreview(context, scene, preview);
  context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  for (const { person } of people) paintTheirSelection(context, scene, person);
  paintSelection(context, scene);
  for (const { person, cursor } of people) {
    if (cursor !== null) paintCursor(context, toScreen(camera, cursor), person.user);
  }
}

/** Shapes that are painted here and not on the static layer, as long as somebody moves them. */
export function lifted({ preview, people }: Pick<LiveScene, "preview" | "people">): Map<string, Transform> {
  const transforms = new Map<string, Transform>();
  for (const { person } of people) {
    const { activity } = person;
    if (activity?.type === "transform") for (const id of activity.ids) transforms.set(id, activity.transform);
  }
  if (preview.type === "transform") for (const id of preview.ids) transforms.set(id, preview.transform);
  return transforms;
}

function paintPreview(context: Context, scene: LiveScene, preview: Preview): void {
  const { kit } = scene;
  switch (preview.type) {
    case "none":
      return;
    case "marquee":
      paintMarquee(context, scene, preview.box);
      return;
    case "ink":
      paintInkInProgress(context, kit, preview);
      return;
    case "shape":
      paintDraft(context, kit, { ...preview.shape, order: "a0" } as Content);
      return;
    case "transform":
      paintLifted(context, scene, preview.ids, preview.transform);
      return;
    default:
      preview satisfies never;
  }
}

function paintActivity(context: Context, scene: LiveScene, { activity }: Person): void {
  if (activity === null) return;
  switch (activity.type) {
    case "ink":
      paintInkInProgress(context, scene.kit, activity);
      return;
    case "shape":
      paintDraft(context, scene.kit, activity.shape);
      return;
    case "transform":
      paintLifted(context, scene, activity.ids, activity.transform);
      return;
    default:
      activity satisfies never;
  }
}

interface InkInProgress {
  readonly samples: readonly Sample[];
  readonly color: Color;
  readonly size: number;
}

function paintInkInProgress(context: Context, { theme }: PaintKit, { samples, color, size }: InkInProgress): void {
  context.fillStyle = theme.ink[color];
  context.fill(new Path2D(inkPath(samples, { size, isDone: false })));
}

function paintDraft(context: Context, kit: PaintKit, content: Content): void {
  paintShape(context, { ...content, id: "draft" }, kit);
}

function paintLifted(context: Context, { board, kit }: LiveScene, ids: readonly string[], by: Transform): void {
  const wanted = new Set(ids);
  for (const shape of board.shapes) if (wanted.has(shape.id)) paintShape(context, transformed(shape, by), kit);
}

function paintMarquee(context: Context, { kit, camera }: LiveScene, { x, y, w, h }: Box): void {
  context.fillStyle = kit.theme.accent;
  context.globalAlpha = 0.1;
  context.fillRect(x, y, w, h);
  context.globalAlpha = 0.8;
  context.strokeStyle = kit.theme.accent;
  context.lineWidth = 1 / camera.zoom;
  context.strokeRect(x, y, w, h);
  context.globalAlpha = 1;
}

function paintSelection(context: Context, scene: LiveScene): void {
  const { preview, kit } = scene;
  const by = preview.type === "transform" ? preview.transform : null;
  const boxes = boxesOf(scene, scene.selection, by);
  context.strokeStyle = kit.theme.accent;
  context.lineWidth = 1;
  if (boxes.length > 1) for (const box of boxes) context.strokeRect(box.x, box.y, box.w, box.h);
  const all = unionOf(boxes);
  if (all === null) return;
  context.lineWidth = 1.5;
  context.strokeRect(all.x, all.y, all.w, all.h);
  if (!scene.hasHandles) return;
  context.fillStyle = kit.theme.paper;
  for (const corner of CORNERS) {
    const { x, y } = handlePoint(all, corner);
    context.beginPath();
    context.roundRect(x - 4.5, y - 4.5, 9, 9, 2.5);
    context.fill();
    context.stroke();
  }
}

function paintTheirSelection(context: Context, scene: LiveScene, { user, selection, activity }: Person): void {
  const by = activity?.type === "transform" ? activity.transform : null;
  context.strokeStyle = user.color;
  context.lineWidth = 1.5;
  for (const box of boxesOf(scene, selection, by)) {
    context.beginPath();
    context.roundRect(box.x, box.y, box.w, box.h, 4);
    context.stroke();
  }
}

/** In screen pixels, a little around the shapes. */
function boxesOf({ board, camera }: LiveScene, ids: Iterable<string>, by: Transform | null): Box[] {
  const shapes = [...ids].flatMap((id) => board.shape(id) ?? []);
  return shapes.map((shape: Shape) => {
    const { box } = by === null ? shape : transformed(shape, by);
    const { x, y, w, h } = upright(box);
    return grown({ ...toScreen(camera, { x, y }), w: w * camera.zoom, h: h * camera.zoom }, 4);
  });
}

function paintCursor(context: Context, { x, y }: Point, { name, color }: Person["user"]): void {
  context.save();
  context.translate(x, y);
  context.beginPath();
  context.moveTo(0, 0);
  context.lineTo(4.6, 15.4);
  context.lineTo(8.1, 9.3);
  context.lineTo(14.8, 7.2);
  context.closePath();
  context.lineJoin = "round";
  context.strokeStyle = "#ffffff";
  context.lineWidth = 3;
  context.stroke();
  context.fillStyle = color;
  context.fill();
  context.font = fontOf(12);
  const width = context.measureText(name).width + 14;
  context.beginPath();
  context.roundRect(12, 15, width, 21, 10.5);
  context.fill();
  context.fillStyle = "#ffffff";
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillText(name, 19, 26);
  context.restore();
}

/** Pointers, wheels and fingers, from the browser's events to an editor. */
import type { Point } from "../model/box.ts";
import type { Sample } from "../model/ink.ts";
import type { PointerInput } from "../tools/gesture.ts";
import type { Editor } from "./editor.ts";

type Mode =
  | { readonly type: "none" }
  | { readonly type: "gesture"; readonly pointer: number }
  | { readonly type: "pan"; readonly pointer: number; readonly last: Point }
  /** Two fingers: what they hold stays between them. */
  | { readonly type: "pinch"; readonly middle: Point; readonly apart: number }
  /** A finger of a pinch is still down. */
  | { readonly type: "rest" };

/** A wheel's unit, when it is not pixels. */
const LINE_PIXELS = 16;

/** @returns how to stop */
export function attachPointers(area: HTMLElement, editor: Editor): () => void {
  const down = new Map<number, Point>();
  const stop = new AbortController();
  let mode: Mode = { type: "none" };
  let isSpaceDown = false;

  const placeOf = ({ clientX, clientY }: MouseEvent): Point => {
    const { left, top } = area.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };
  const inputOf = (event: PointerEvent): PointerInput => {
    const sampleOf = (one: PointerEvent): Sample => {
      const at = editor.viewport.toWorld(placeOf(one));
      return one.pointerType === "pen" ? { ...at, pressure: one.pressure } : at;
    };
    const coalesced = event.getCoalescedEvents?.() ?? [];
    const samples = (coalesced.length === 0 ? [event] : coalesced).map(sampleOf);
    return { at: editor.viewport.toWorld(placeOf(event)), samples, shift: event.shiftKey };
  };
  const showCursor = (event: MouseEvent): void => {
    const isPanning = mode.type === "pan";
    const cursor = isPanning
      ? "grabbing"
      : isSpaceDown
        ? "grab"
        : editor.gestures.cursorAt(editor.viewport.toWorld(placeOf(event)));
    if (area.style.cursor !== cursor) area.style.cursor = cursor;
  };
  const pinchOf = (): Extract<Mode, { type: "pinch" }> => {
    const [one = { x: 0, y: 0 }, other = one] = down.values();
    return {
      type: "pinch",
      middle: { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 },
      apart: Math.max(1, Math.hypot(one.x - other.x, one.y - other.y)),
    };
  };

  const onDown = (event: PointerEvent): void => {
    if (event.button > 1) return;
    area.focus({ preventScroll: true });
    area.dataset.pointed = "";
    area.setPointerCapture(event.pointerId);
    down.set(event.pointerId, placeOf(event));
    if (event.pointerType === "touch" && down.size === 2) {
      editor.gestures.cancel();
      mode = pinchOf();
      return;
    }
    if (mode.type !== "none") return;
    const wantsPan = event.button === 1 || isSpaceDown;
    const began = !wantsPan && editor.gestures.begin(inputOf(event), event.pointerType !== "mouse");
    mode = began
      ? { type: "gesture", pointer: event.pointerId }
      : { type: "pan", pointer: event.pointerId, last: placeOf(event) };
    showCursor(event);
    // No selection of text, no second, emulated mouse event; the focus was set.
    event.preventDefault();
  };

  const onMove = (event: PointerEvent): void => {
    const place = placeOf(event);
    if (down.has(event.pointerId)) down.set(event.pointerId, place);
    switch (mode.type) {
      case "none":
        editor.gestures.move(inputOf(event));
        showCursor(event);
        return;
      case "gesture":
        if (mode.pointer === event.pointerId) editor.gestures.move(inputOf(event));
        return;
      case "pan":
        if (mode.pointer !== event.pointerId) return;
        editor.viewport.pan({ x: place.x - mode.last.x, y: place.y - mode.last.y });
        editor.gestures.move(inputOf(event));
        mode = { ...mode, last: place };
        return;
      case "pinch": {
        const next = pinchOf();
        editor.viewport.pan({ x: next.middle.x - mode.middle.x, y: next.middle.y - mode.middle.y });
        editor.viewport.zoom(next.apart / mode.apart, next.middle);
        mode = next;
        return;
      }
      case "rest":
        return;
      default:
        mode satisfies never;
    }
  };

  const onUp = (event: PointerEvent): void => {
    if (!down.delete(event.pointerId)) return;
    if (mode.type === "pinch") mode = { type: "rest" };
    else if (mode.type === "gesture" && mode.pointer === event.pointerId) {
      if (event.type === "pointerup") editor.gestures.finish();
      else editor.gestures.cancel();
      mode = { type: "rest" };
    } else if (mode.type === "pan" && mode.pointer === event.pointerId) mode = { type: "rest" };
    if (down.size > 0) return;
    mode = { type: "none" };
    if (event.pointerType === "touch") editor.teller.tell({ cursor: null });
    showCursor(event);
  };

  const onWheel = (event: WheelEvent): void => {
    event.preventDefault();
    const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : LINE_PIXELS;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    // A pinch on a trackpad comes as a wheel with Control.
    if (event.ctrlKey || event.metaKey)
      editor.viewport.zoom(Math.exp(-Math.max(-60, Math.min(60, dy)) / 120), placeOf(event));
    else if (event.shiftKey && dx === 0) editor.viewport.pan({ x: -dy, y: 0 });
    else editor.viewport.pan({ x: -dx, y: -dy });
  };

  const onSpace = (event: KeyboardEvent): void => {
    // The focus is shown to those who move it by keys.
    if (event.key === "Tab") delete area.dataset.pointed;
    if (event.code !== "Space" || isForText(event.target)) return;
    isSpaceDown = event.type === "keydown";
    if (event.target === area) event.preventDefault();
    area.style.cursor = isSpaceDown ? "grab" : "";
  };

  const { signal } = stop;
  area.addEventListener("pointerdown", onDown, { signal });
  area.addEventListener("pointermove", onMove, { signal });
  area.addEventListener("pointerup", onUp, { signal });
  area.addEventListener("pointercancel", onUp, { signal });
  area.addEventListener("pointerleave", () => down.size === 0 && editor.teller.tell({ cursor: null }), { signal });
  area.addEventListener("dblclick", (event) => editor.gestures.openAt(editor.viewport.toWorld(placeOf(event))), {
    signal,
  });
  area.addEventListener("wheel", onWheel, { signal, passive: false });
  addEventListener("keydown", onSpace, { signal });
  addEventListener("keyup", onSpace, { signal });
  addEventListener("blur", () => editor.teller.tell({ cursor: null }), { signal });
  return () => stop.abort();
}

/** Whether keys that go to an element write text in it. */
export function isForText(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
}

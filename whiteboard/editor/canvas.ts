import type { Editor } from "./editor.ts";
import type { Measurer } from "./measure.ts";
import { Renderer, type Surfaces } from "./renderer.ts";

/** Draws what an editor shows. @returns how to stop */
export function attachCanvas(surfaces: Surfaces, editor: Editor, measurer: Measurer): () => void {
  const { store, gestures, bitmaps, viewport, people } = editor;
  const { board } = editor.open;
  const renderer = new Renderer({
    surfaces,
    board,
    people,
    shown: (milliseconds) => {
      viewport.glide(milliseconds);
      const { camera, theme, selection, writing, canEdit } = editor.state;
      return {
        camera,
        kit: { theme, measure: editor.measure, imageOf: bitmaps.get, editing: writing },
        preview: gestures.preview,
        selection,
        hasHandles: canEdit && writing === null && !gestures.isBusy,
      };
    },
    resized: (size) => viewport.resize(size),
  });
  let { theme } = editor.state;
  const stops = [
    store.subscribe(() => {
      if (editor.state.theme === theme) renderer.request();
      else renderer.repaint();
      ({ theme } = editor.state);
    }),
    gestures.subscribe(() => renderer.request()),
    bitmaps.subscribe((image) => {
      for (const shape of board.shapes)
        if (shape.kind === "image" && shape.image === image) renderer.repaintShape(shape.id);
    }),
  ];
  void loadFont().then(() => {
    // Widths were measured in the fallback font.
    measurer.forget();
    renderer.repaint();
  });
  return () => {
    for (const stop of stops) stop();
    renderer.destroy();
  };
}

async function loadFont(): Promise<void> {
  await document.fonts.load(`500 16px "Inter Variable"`).catch(() => null);
}

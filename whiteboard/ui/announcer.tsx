import { useEffect } from "react";
import type { Editor } from "../editor/editor.ts";
import { type Status, statusText } from "../together/status.ts";
import { useEditor } from "./use-store.ts";

const NOTICE_MS = 6_000;

/** Announcements for a screen reader, and notices of what went wrong. */
export function Announcer({ editor, status }: { readonly editor: Editor; readonly status: Status }) {
  const announcement = useEditor(editor, (state) => state.announcement);
  const notice = useEditor(editor, (state) => state.notice);
  useEffect(() => {
    if (notice === null) return;
    const timer = setTimeout(() => editor.notify(null), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [editor, notice]);
  // Saved and saving alternate with every stroke: nobody wants to hear that.
  const isNews = status.type !== "saved" && status.type !== "saving";
  return (
    <>
      <div className="unseen" role="status" aria-live="polite">
        {announcement}
      </div>
      <div className="unseen" role="status" aria-live="polite">
        {isNews ? statusText(status) : ""}
      </div>
      {notice !== null && (
        <div className="notice panel" role="alert">
          {notice}
        </div>
      )}
    </>
  );
}

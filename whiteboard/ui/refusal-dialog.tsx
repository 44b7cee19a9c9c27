import { useState } from "react";
import { countOf } from "../editor/words.ts";
import type { Refusal } from "../together/refusal.ts";
import { copyText } from "./copy-text.ts";
import { Dialog } from "./dialog.tsx";

const WHY: { readonly [Code in Refusal["code"]]?: string } = {
  "cut-off": "A moderator made this board read-only for you while you were drawing.",
  "document-full": "This board is full: the room takes deletions only, until there is space again.",
  forbidden: "You have no right to change this board.",
  "frame-too-large": "The change was too large to be sent at once.",
  "room-damaged": "Part of the stored board can’t be read, so it can’t be changed until it is repaired.",
};

interface RefusalDialogProps {
  readonly refusal: Refusal;
  readonly onClose: () => void;
}

/** The shapes that the room refused, why, and a way to copy them. The board has gone on with the room's document. */
export function RefusalDialog({ refusal, onClose }: RefusalDialogProps) {
  const [copied, setCopied] = useState<"no" | "yes" | "failed">("no");
  const { code, message, shapes, text } = refusal;
  return (
    <Dialog title="A change was not accepted" onClose={onClose}>
      <p>{WHY[code] ?? message}</p>
      <p>
        {shapes.length === 0
          ? "Nothing that you drew is lost."
          : `${countOf(shapes.length)} could not be saved. Copy ${shapes.length === 1 ? "it" : "them"} to paste ${
              shapes.length === 1 ? "it" : "them"
            } later, here or into another board.`}
      </p>
      <footer>
        {shapes.length > 0 && (
          <button
            type="button"
            className="button primary"
            onClick={async () => setCopied((await copyText(text)) ? "yes" : "failed")}
          >
            {copied === "yes" ? "Copied" : "Copy what was refused"}
          </button>
        )}
        <button type="button" className="button" onClick={onClose}>
          Go on
        </button>
      </footer>
      {copied === "failed" && <textarea className="refused" readOnly value={text} aria-label="What was refused" />}
    </Dialog>
  );
}

import { Phone } from "lucide-react";
import { useCall } from "../../client/react/index.ts";
import type { Editor } from "../editor/editor.ts";
import type { Member } from "../together/members.ts";

interface JoinCallProps {
  readonly editor: Editor;
  readonly members: readonly Member[];
}

/** Only a click on it asks for the microphone. It is not there for who may not call. */
export function JoinCall({ editor, members }: JoinCallProps) {
  const { state, call } = useCall(editor.open.provider);
  const you = members.find(({ isYou }) => isYou);
  const count = members.filter(({ isInCall, isYou }) => isInCall && !isYou).length;
  if (call === null || state.type !== "idle" || you?.capabilities.includes("call") !== true) return null;
  const label = count === 0 ? "Join call" : `Join call (${count})`;
  return (
    // What went wrong is shown by the call's own state.
    <button type="button" className="button join-call" title={label} onClick={() => void call.join().catch(() => null)}>
      <Phone size={16} aria-hidden="true" />
      <span>{label}</span>
    </button>
  );
}

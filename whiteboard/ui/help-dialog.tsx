import { GESTURES, SHORTCUTS } from "../editor/keys.ts";
import { Dialog } from "./dialog.tsx";

const GROUPS = ["Tools", "Edit", "View"] as const;
const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keys and gestures" onClose={onClose}>
      <div className="help">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{group}</h3>
            <Rows rows={SHORTCUTS.filter((each) => each.group === group).map(({ shown, label }) => [shown, label])} />
          </section>
        ))}
        <section>
          <h3>Pointer and canvas</h3>
          <Rows rows={GESTURES} />
        </section>
      </div>
    </Dialog>
  );
}

function Rows({ rows }: { readonly rows: readonly (readonly [string, string])[] }) {
  return (
    <dl>
      {rows.map(([shown, label]) => (
        <div key={shown}>
          <dt>{label}</dt>
          <dd>
            {shown.split(/ (?:\+ )?/).map((key) => (
              <kbd key={key}>{key === "Mod" ? (isMac ? "⌘" : "Ctrl") : key}</kbd>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}

import { canRetry, type Status, statusHint, statusText } from "../together/status.ts";

type Tone = "good" | "busy" | "warning" | "bad";

const TONES: Readonly<Record<Status["type"], Tone>> = {
  connecting: "busy",
  saved: "good",
  saving: "busy",
  reconnecting: "warning",
  offline: "warning",
  "read-only": "warning",
  "room-full": "bad",
  "turned-away": "warning",
  ended: "bad",
};

interface StatusLightProps {
  readonly status: Status;
  readonly onRetry: () => void;
}

export function StatusLight({ status, onRetry }: StatusLightProps) {
  const text = statusText(status);
  return (
    <div className="status" data-status={status.type} data-tone={TONES[status.type]}>
      <button
        type="button"
        className="status-text"
        popoverTarget="status-hint"
        aria-label={`Status: ${text}`}
        title={text}
      >
        <span className="dot" aria-hidden="true" />
        <span className="words">{text}</span>
      </button>
      <div id="status-hint" popover="auto" className="menu panel hint">
        <strong>{text}</strong>
        <p>{statusHint(status)}</p>
        {canRetry(status) && (
          <button type="button" className="button primary" onClick={onRetry}>
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

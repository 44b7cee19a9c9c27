import { canRetry, type Status, statusHint, statusText } from "../together/status.ts";

interface EndedCardProps {
  readonly status: Status;
  readonly onRetry: () => void;
}

/** Why the room closed for good, or lets nobody in yet. The board stays in view: what is on it can be exported. */
export function EndedCard({ status, onRetry }: EndedCardProps) {
  if (status.type !== "ended" && status.type !== "turned-away") return null;
  return (
    <section className="ended panel" role="alert">
      <strong>{statusText(status)}</strong>
      <p>{statusHint(status)}</p>
      {status.type === "ended" && (
        <footer>
          {canRetry(status) && (
            <button type="button" className="button primary" onClick={onRetry}>
              Try again
            </button>
          )}
          <a className="button" href="/">
            New board
          </a>
        </footer>
      )}
    </section>
  );
}

/**
 * Calls back when it is worth to try to connect at once: the network came back, or somebody looks at the page again.
 * Where there is no page, never.
 * @returns how to stop that
 */
export function onPageWake(wake: () => void): () => void {
  const whenVisible = () => {
    if (document.visibilityState === "visible") wake();
  };
  const hasWindow = typeof window !== "undefined" && typeof window.addEventListener === "function";
  const hasDocument = typeof document !== "undefined" && typeof document.addEventListener === "function";
  if (hasWindow) window.addEventListener("online", wake);
  if (hasDocument) document.addEventListener("visibilitychange", whenVisible);
  return () => {
    if (hasWindow) window.removeEventListener("online", wake);
    if (hasDocument) document.removeEventListener("visibilitychange", whenVisible);
  };
}

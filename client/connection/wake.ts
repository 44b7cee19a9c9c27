/**
 * Calls back when it is worth to try to connect at once: the network came back, or somebody looks at the page again.
 * A worker of a page is told of the network alone; elsewhere there is no sign.
 * @returns how to stop that
 */
export function onPageWake(wake: () => void): () => void {
  const whenVisible = () => {
    if (document.visibilityState === "visible") wake();
  };
  const hasDocument = typeof document !== "undefined" && typeof document.addEventListener === "function";
  const hasNetworkEvents = typeof self !== "undefined" && "ononline" in self;
  if (hasNetworkEvents) self.addEventListener("online", wake);
  if (hasDocument) document.addEventListener("visibilitychange", whenVisible);
  return () => {
    if (hasNetworkEvents) self.removeEventListener("online", wake);
    if (hasDocument) document.removeEventListener("visibilitychange", whenVisible);
  };
}

/**
 * Calls back when the page is left: its tab closes, or the browser puts it aside and may never show it again.
 * @param returned the page is shown again as it was left
 * @returns how to stop that
 */
export function onPageLeave(left: () => void, returned: () => void): () => void {
  const whenShown = ({ persisted }: PageTransitionEvent) => {
    if (persisted) returned();
  };
  if (typeof window === "undefined" || !("onpagehide" in window)) return () => {};
  const page = window;
  page.addEventListener("pagehide", left);
  page.addEventListener("pageshow", whenShown);
  return () => {
    page.removeEventListener("pagehide", left);
    page.removeEventListener("pageshow", whenShown);
  };
}

/** Shown when the address names no room. */
export function NoRoom({ reason }: { readonly reason: string }) {
  return (
    <main className="no-room">
      <h1>This is not a board’s address</h1>
      <p>{reason}</p>
      <a className="button primary" href="/">
        Open a new board
      </a>
    </main>
  );
}

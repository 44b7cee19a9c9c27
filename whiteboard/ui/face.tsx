interface FaceProps {
  readonly name: string;
  /** `null` for who shows none. */
  readonly color: string | null;
}

/** A small round picture beside a name. */
export function Face({ name, color }: FaceProps) {
  return (
    <span className="face small" style={{ backgroundColor: color ?? "#65656f" }} aria-hidden="true">
      {initials(name)}
    </span>
  );
}

export function initials(name: string): string {
  const words = name.split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : ""].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toUpperCase();
}

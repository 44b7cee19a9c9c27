/** The person at this browser: a name and a colour, by chance until they choose. */
import { cleanName, PERSON_COLORS, type User } from "./presence.ts";

const KEY = "roomful-whiteboard-user";
const QUALITIES = [
  "Quick",
  "Calm",
  "Bright",
  "Brave",
  "Gentle",
  "Clever",
  "Merry",
  "Quiet",
  "Lucky",
  "Swift",
  "Warm",
  "Bold",
];
const ANIMALS = ["Otter", "Heron", "Fox", "Lynx", "Robin", "Badger", "Hare", "Owl", "Seal", "Wren", "Ibex", "Crane"];

export function readUser(): User {
  const stored = readStored();
  if (stored !== null) return stored;
  const user = { name: `${anyOf(QUALITIES)} ${anyOf(ANIMALS)}`, color: anyOf(PERSON_COLORS) };
  writeUser(user);
  return user;
}

/** A browser may refuse to keep anything: then the name lasts as long as the page. */
export function writeUser(user: User): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(user));
  } catch {}
}

function readStored(): User | null {
  try {
    const { name, color } = JSON.parse(localStorage.getItem(KEY) ?? "null");
    const known = PERSON_COLORS.find((each) => each === color);
    return typeof name === "string" && cleanName(name) !== "" && known !== undefined
      ? { name: cleanName(name), color: known }
      : null;
  } catch {
    return null;
  }
}

function anyOf<Item>(items: readonly Item[]): Item {
  return items[Math.floor(Math.random() * items.length)] as Item;
}

/** Characters of an unguessable name, of six random bits each. */
const UNGUESSABLE_CHARACTERS = 22;

// Short, well known, easy to say and to spell, and kind in every combination. 64 each: a word is six bits.
const MOODS =
  "able amber bold brave bright brisk calm clear clever cosy crisp daring eager early fair fancy fast fine fresh gentle glad golden grand green happy honest jolly keen kind light lively loyal lucky lunar mellow merry mild misty neat nimble noble novel polar proud quick quiet rapid rare ready royal rustic silver smart snowy solar steady sunny super swift tidy vivid warm wise witty";
const ANIMALS =
  "badger bear beaver bee bison camel cat cheetah cobra condor crane crow deer dolphin dove duck eagle falcon finch fox frog gecko goat goose hare hawk heron horse ibis jaguar koala lemur lion llama lynx magpie marten mole moose newt orca otter owl panda parrot pony puffin puma rabbit raven robin salmon seal shark sparrow squid stork swan tiger toucan turtle whale wolf zebra";
const THINGS =
  "apple arrow atlas bay beacon blaze bloom breeze bridge brook candle canyon castle cedar cherry cliff cloud comet coral creek dawn delta dune ember fern field fjord flame forest garden glade harbor hill island lagoon lake lantern leaf maple meadow meteor moon mountain nova oasis ocean olive orchard pebble pine planet prairie rain ridge river rocket sail sky spark spring star stone summit valley";
const WORDS = [MOODS, ANIMALS, THINGS].map((list) => list.split(" "));

/**
 * A room name that people can say, such as `brave-otter-comet`: one of 262,144. Others can guess it, and so can chance: it is
 * for rooms that a token guards, with a prefix of their own such as `team-1/`.
 */
export function readableRoomName(): string {
  const [...places] = crypto.getRandomValues(new Uint32Array(WORDS.length));
  return WORDS.map((words, list) => words[(places[list] ?? 0) % words.length]).join("-");
}

/**
 * A room name that nobody guesses: 22 characters of `A–Z a–z 0–9 - _`, 132 random bits. In an open deployment the name
 * alone opens the room; note that it stands in URLs, histories and logs.
 */
export function unguessableRoomName(): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const bytes = crypto.getRandomValues(new Uint8Array(UNGUESSABLE_CHARACTERS));
  return Array.from(bytes, (byte) => alphabet[byte % alphabet.length]).join("");
}

/** The tags by which an update of Yjs tells its structs apart, see `Item.write` and `readItemContent`. */
export const INFO_TYPE = 0b0001_1111;
export const HAS_PARENT_KEY = 0b0010_0000;
export const HAS_RIGHT_ORIGIN = 0b0100_0000;
export const HAS_ORIGIN = 0b1000_0000;

export const GC = 0;
export const CONTENT_DELETED = 1;
export const CONTENT_JSON = 2;
export const CONTENT_BINARY = 3;
export const CONTENT_STRING = 4;
export const CONTENT_EMBED = 5;
export const CONTENT_FORMAT = 6;
export const CONTENT_TYPE = 7;
export const CONTENT_ANY = 8;
export const SKIP = 10;

export const XML_ELEMENT = 3;
export const XML_HOOK = 5;

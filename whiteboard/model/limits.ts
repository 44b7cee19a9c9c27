/** Limits of a board. A peer may write anything into the document: content beyond them is skipped, not fatal. */

/** Shapes that are read. The others stay in the document. */
export const SHAPES = 20_000;

/** World units from the origin, and of width and height. */
export const EXTENT = 1_000_000;

/** Samples of one stroke: a minute and a half of drawing at 120 per second. */
export const STROKE_SAMPLES = 10_000;

/** Bytes of one packed stroke. A sample has 11 at most, and 3 as a rule. */
export const STROKE_BYTES = 60_000;

/** Characters of a text or a note. What is longer is cut when it is shown. */
export const TEXT_CHARACTERS = 5_000;

/** Characters of a place in the stacking order. */
export const ORDER_CHARACTERS = 100;

/** Bytes of one stored image. */
export const IMAGE_BYTES = 1_000_000;

/** Bytes of all stored images: two thirds of what a room's document may have by default, so that there is room to draw. */
export const ALL_IMAGES_BYTES = 4_000_000;

/** Pixels of a stored image, on its longer side. */
export const IMAGE_SIDE = 1_600;

/** Pixels of an image, on either side, above which it is not decoded: a small file can be a large image. */
export const IMAGE_DECODED_SIDE = 4_096;

/**
 * Bounds that the platform or the wire sets. What an operator may change is in `worker/settings/settings.ts`.
 * Each has its unit and its reason.
 */

/** Bytes of UTF-8 in a room name. Keeps logs, URLs and object names short; Cloudflare allows 1,024 for an object name. */
export const ROOM_NAME_BYTES = 200;

/** Characters of a token. Those of identity providers have one or two thousand. */
export const TOKEN_CHARACTERS = 8_192;

/** Seconds by which the clocks of who makes a token and who reads it may differ. */
export const CLOCK_TOLERANCE_SECONDS = 60;

/** Bytes of a secret for HS256: as many as the digest has, the least that RFC 7518 allows. */
export const TOKEN_SECRET_BYTES = 32;

/** Different characters of such a secret. A random one has more; a word repeated to the length has not. */
export const TOKEN_SECRET_VARIETY = 8;

/** Characters of a token's subject, and of a name: both are kept in a socket's attachment and told to others. */
export const SUBJECT_CHARACTERS = 256;

/**
 * Bytes that a frame limit may be set to. The platform carries messages of 32 MiB; what waits in a window beside one
 * frame must fit into one with it.
 */
export const LARGEST_FRAME_BYTES = 24 * 1024 * 1024;

/**
 * Bytes of one BLOB that the room writes. Production refuses rows above 2 MB, the local runtime does not; the
 * difference leaves room for the row's other columns.
 */
export const ROW_BYTES = 1_900_000;

/** Bytes of presence state kept in a socket's attachment (16,384 at most); a larger state goes to a row of its own. */
export const INLINE_PRESENCE_BYTES = 12_000;

/** Bytes of a WebSocket close reason (RFC 6455, section 5.5: 125 less the code). */
export const CLOSE_REASON_BYTES = 123;

/** Bytes of one text message from a client. The largest is an offer. */
export const TEXT_MESSAGE_BYTES = 65_536;

/** Unusable messages of a `roomful.v1` client that are answered; the next one closes its socket. */
export const STRIKES = 10;

/**
 * Entries of a client's state vector beyond one for each client id of the room's document. As many as fit into a document of
 * the default size, since somebody may bring a whole one to an empty room.
 */
export const STATE_VECTOR_ENTRIES = 300_000;

/** Entries of one awareness frame. A stock client echoes everybody it knows in one frame. */
export const AWARENESS_ENTRIES = 10_000;

/** Bytes of all presence states of a room. Whoever comes is sent them all; above them the largest are not shown. */
export const ROOM_PRESENCE_BYTES = 4 * 1024 * 1024;

/** Bytes of an awareness frame that the room sends, unless a single state is larger. What is more goes out in several. */
export const PRESENCE_FRAME_BYTES = 256 * 1024;

/** Participants of one message. Above 1,000 people a message of all would come near the 32 MiB that the platform carries. */
export const PARTICIPANTS_PER_MESSAGE = 1_000;

/** Characters of one participant as JSON. Subject and name take six for each of theirs when each is escaped. */
export const PARTICIPANT_CHARACTERS = 3_584;

/** Levels of arrays and objects inside a JSON or Any value. Deeper ones overflow the stack of naive readers. */
export const VALUE_DEPTH = 64;

/** The exclusive bound of clock + length of a struct: Yjs and its peers compute with 32-bit integers in places. */
export const CLOCK_BOUND = 2 ** 31;

/** Bytes of a root type's name or a map key. */
export const KEY_BYTES = 4_096;

/** Root types in one document: each is an object in memory that can never be removed. */
export const ROOT_TYPES = 10_000;

/** Shared types inside one another. Yjs deletes, and its users read, by recursion: a few thousand overflow the stack. */
export const TYPE_DEPTH = 256;

/**
 * Items that Yjs may pass over, in all, while it searches for the places of a document's items since the document was
 * loaded. 20 million take three seconds or so, at each load anew. Thirty people who each put 200 items in front of one
 * list, all offline, need 17 million; recorded editing sessions need a few; a crafted update of 60 kB could need a
 * hundred million.
 */
export const SEARCH_STEPS = 20_000_000;

/**
 * Items that Yjs may pass over for one update. They take half a second, in which nobody else is served. Thirty people who each put
 * 200 items in front of one list, all offline, need a million for the last of them.
 */
export const SEARCH_STEPS_PER_UPDATE = 3_500_000;

/**
 * Structs that Yjs may shift while it splits runs for one update, and while it merges neighbours after one window. A split or
 * a merge shifts all of its author's structs that come later in the array, and a thousand million take a second; a merge counts for
 * a quarter, since taking out is quicker. 1,600 splits of a run before 300,000 structs need as many as this, in the room and in each open page; 20,000 splits before 25,000 structs do.
 */
export const MOVED_STRUCTS = 500_000_000;

/**
 * Items that one author's edits may hold in a window, or other work that takes as long; the author's further edits wait for the next window.
 * They take 0.15 seconds, after which others are served.
 */
export const WINDOW_ITEMS = 50_000;

/** Items that all edits of one window may hold, or other work that takes as long. They take 0.3 seconds, after which presence and newcomers are served. */
export const WINDOW_ITEMS_OF_ALL = 100_000;

/** What is granted in any case beyond what the load needed, so that a document that is dear to load still takes edits. */
export const SEARCH_STEPS_AFTER_LOAD = 1_000_000;

/** Clients whose structs an update may hold that refers to what the room lacks: Yjs sorts those out in quadratic time. */
export const INCOMPLETE_CLIENTS = 1_000;

/**
 * Bytes that deletions may make of a document, in parts of its limit. A deletion inside a run splits it, and many small
 * ones make a document larger; those of a document that is full are taken up to here.
 */
export const DELETION_RESERVE = 1.25;

/**
 * Bytes of heap that a document may take for each byte of its limit, as `worker/document/heap-weights.ts` counts. Whiteboards
 * and texts come to 18; a document that is dearer by its bytes, such as one of empty shared types, is full before its bytes are.
 */
export const HEAP_PER_BYTE = 19;

/** Bytes of heap that a document may take in any case, so that a small limit still holds a few shared types. */
export const SMALLEST_HEAP = 2_000_000;

/**
 * The part of a document's limit that may come in as what no deletion removes: client ids, and content that was collected or
 * deleted before it came. The rest stays for content that can be deleted again.
 */
export const LASTING_PART = 0.5;

/** Bytes of that which an edit may bring in any case: a new session has a client id, and may have deleted what it wrote. */
export const LASTING_BYTES_OF_AN_EDIT = 256;

/** The part of its limit above which a document counts as nearly full, and those who write in it are warned. */
export const NEARLY_FULL = 0.9;

/** Subjects about whom moderators of one room decided something: they are read whole when the room wakes. */
export const SUBJECT_RULES = 1_000;

/** Largest limit that a room may set itself. What 32 bits hold; any above the deployment's own has no effect. */
export const LARGEST_ROOM_LIMIT = 2 ** 31 - 1;

/** Origins that a room may list. */
export const ORIGINS = 100;

/** Characters of an origin. A host name has 253, beside its scheme and its port. */
export const ORIGIN_CHARACTERS = 300;

/** Characters of one session description. Those of browsers have 2,000 for audio and 10,000 with video and data. */
export const SDP_CHARACTERS = 32_768;

/** ICE candidates in one message. A host with many networks and relays has some dozens in all. */
export const CANDIDATES_PER_MESSAGE = 64;

/** Characters of one ICE candidate. Those of browsers have 100 to 250. */
export const CANDIDATE_CHARACTERS = 1_024;

/** Characters of a media id or an ICE user fragment: RFC 8839 allows 256 for the latter. */
export const ICE_FRAGMENT_CHARACTERS = 256;

/** Characters of the id of one incarnation of a connection between two peers. A UUID has 36. */
export const CONNECTION_ID_CHARACTERS = 64;

/**
 * Bytes in memory, about, of what one reading of roots as JSON may make. A text of 24 MB can be read whole, and so can a drawing
 * that fills a document; formats over pieces of a text are repeated in each piece, so that 46 kB could become 60 MB. The platform
 * carries answers of 32 MiB.
 */
export const READ_BYTES = 32 * 1024 * 1024;

/** Milliseconds for which a place in the call is kept for somebody whose socket was lost: a walk out of a lift. */
export const RESUME_MS = 30_000;

/** Topics of one signaling socket at a time: with their ids they have to fit into its attachment. A stock client has one per document. */
export const SIGNALING_TOPICS = 16;

/** Characters of a topic, which is the room name of a `y-webrtc` provider. */
export const TOPIC_CHARACTERS = 200;

/** Characters of the id that a `y-webrtc` peer chose for itself. Its own are UUIDs, of 36. */
export const SIGNALING_ID_CHARACTERS = 64;

/**
 * Seconds of its rate that a bucket holds. Long, so that what comes seldom may be large, while whoever never stops gets a
 * small part of the room's time.
 */
export const BURST_SECONDS = 25;

/** Seconds of its rate that whoever emptied a bucket owes in addition, so that coming back at once is useless. */
export const PENALTY_SECONDS = 10;

/** Seconds of its rate that may be owed at most. Nobody is kept out for longer, whatever one request cost. */
export const LONGEST_DEBT_SECONDS = 60;

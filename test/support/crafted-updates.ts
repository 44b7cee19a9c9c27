import * as encoding from "lib0/encoding";

/** The structs of one client in a crafted update. */
export interface CraftedBlock {
  readonly client: number;
  readonly clock?: number;
  readonly structs: readonly ((encoder: encoding.Encoder) => void)[];
}

/** A run of deleted clocks, the only one of its client. */
export interface CraftedDeletion {
  readonly client: number;
  readonly clock: number;
  readonly length: number;
}

/** A struct without content. */
export const gc = (length: number) => (encoder: encoding.Encoder) => {
  encoding.writeUint8(encoder, 0);
  encoding.writeVarUint(encoder, length);
};

/** An item at the start of a root type. @param content its bytes, without the type */
export const inRoot = (type: number, root: string, content: Uint8Array) => (encoder: encoding.Encoder) => {
  encoding.writeUint8(encoder, type);
  encoding.writeVarUint(encoder, 1);
  encoding.writeVarString(encoder, root);
  encoding.writeUint8Array(encoder, content);
};

/** An item after another one. @param content its bytes, without the type */
export const behind = (type: number, client: number, clock: number, content: Uint8Array) => {
  return (encoder: encoding.Encoder) => {
    encoding.writeUint8(encoder, 0x80 | type);
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    encoding.writeUint8Array(encoder, content);
  };
};

/** An update, byte by byte, as no editor makes it. */
export function craft(blocks: readonly CraftedBlock[], deletions: readonly CraftedDeletion[] = []): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, blocks.length);
    for (const { client, clock = 0, structs } of blocks) {
      for (const number of [structs.length, client, clock]) encoding.writeVarUint(encoder, number);
      for (const write of structs) write(encoder);
    }
    encoding.writeVarUint(encoder, deletions.length);
    for (const { client, clock, length } of deletions) {
      for (const number of [client, 1, clock, length]) encoding.writeVarUint(encoder, number);
    }
  });
}

/** An update of so many clients, each of which has nothing left but collected content. */
export function absentClients(count: number, first = 1_000_000): Uint8Array {
  return craft(Array.from({ length: count }, (_, index) => ({ client: first + index, structs: [gc(1)] })));
}

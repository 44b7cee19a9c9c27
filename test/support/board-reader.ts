import * as Y from "yjs";
import { RoomProvider } from "../../client/index.ts";
import { Board } from "../../whiteboard/model/board.ts";
import type { Server } from "./server.ts";
import { until } from "./until.ts";

/** A board, as another program of the room reads it. */
export class BoardReader {
  readonly board: Board;
  readonly provider: RoomProvider;

  private constructor(board: Board, provider: RoomProvider) {
    this.board = board;
    this.provider = provider;
  }

  static async open(server: Server, room: string): Promise<BoardReader> {
    const doc = new Y.Doc();
    const provider = new RoomProvider(server.url, room, doc);
    await until(() => provider.synced, "synced", 30_000);
    return new BoardReader(new Board(doc), provider);
  }

  /** Waits until the board holds so many shapes. */
  async untilShapes(count: number): Promise<void> {
    await until(
      () => this.board.shapes.length === count,
      () => `${count} shapes, not ${this.board.shapes.length}`,
      20_000,
    );
  }

  close(): void {
    this.provider.destroy();
  }
}

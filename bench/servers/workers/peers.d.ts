// The parts of the peers that are used: they are installed in `bench/` only, and types are checked without them.

declare module "partyserver" {
  export function routePartykitRequest(request: Request, env: Record<string, unknown>): Promise<Response | null>;
}

declare module "y-partyserver" {
  import { DurableObject } from "cloudflare:workers";
  import type * as Y from "yjs";

  export class YServer extends DurableObject {
    static options: { hibernate: boolean };
    readonly document: Y.Doc;
    onLoad(): Promise<void>;
    onSave(): Promise<void>;
  }
}

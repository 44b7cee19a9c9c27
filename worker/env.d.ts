declare namespace Cloudflare {
  interface GlobalProps {
    mainModule: typeof import("./index.ts");
  }
  interface Env {
    readonly ROOMS: DurableObjectNamespace<import("./room/room.ts").Room>;
  }
}

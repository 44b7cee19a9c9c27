declare namespace Cloudflare {
  interface Env {
    readonly ROOMS: DurableObjectNamespace<import("./room.ts").Room>;
  }
}

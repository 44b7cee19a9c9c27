import { env, exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { createApp } from "./app.ts";
import { docOf, freshRoom, textUpdate } from "./test-client.ts";

it("a try", async () => {
  const name = encodeURIComponent(freshRoom());
  const at = (path: string, init?: RequestInit) =>
    exports.default.fetch(`https://example.com/api/rooms/${name}${path}`, init);
  const posted = await at("/updates", { method: "POST", body: textUpdate("hello") });
  console.log(posted.status, await posted.text());
  const state = await at("/state");
  console.log(
    state.status,
    [...state.headers],
    docOf(new Uint8Array(await state.arrayBuffer()))
      .getText("text")
      .toString(),
  );
  const json = await at("/json?root=text:text");
  console.log(json.status, await json.text());
  for (const path of ["/participants", "/statistics", "/state-vector", "/nothing", "", "/json?root=x"]) {
    const r = await at(path);
    console.log(path, r.status, await r.text());
  }
});

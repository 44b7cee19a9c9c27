import "@fontsource-variable/inter/wght.css";
import "./ui/base.css";
import "./ui/board.css";
import "./ui/panels.css";
import "./ui/menus.css";
import "./ui/faces.css";
import "./ui/tools.css";
import "./ui/dialogs.css";
import "./ui/narrow.css";
import "./ui/people.css";
import { createRoot } from "react-dom/client";
import { readAddress } from "./together/address.ts";
import { Session } from "./together/session.ts";
import { App } from "./ui/app.tsx";
import { NoRoom } from "./ui/no-room.tsx";

const root = createRoot(document.getElementById("app") ?? document.body);

try {
  const address = readAddress(location);
  document.title = `${address.room} · Whiteboard`;
  root.render(<App session={new Session(address)} room={address.room} />);
  // A token in the address, or another room, is another page.
  addEventListener("hashchange", () => location.reload());
} catch (caught) {
  root.render(<NoRoom reason={caught instanceof Error ? caught.message : `${caught}`} />);
}

// So that the page itself opens without a network, as its drawing does.
if (import.meta.env.PROD && "serviceWorker" in navigator) {
  void navigator.serviceWorker.register("/service-worker.js").catch(() => null);
}

#!/usr/bin/env node
// `npx roomful <command>`.
import process from "node:process";
import { RoomfulError } from "../shared/errors.ts";
import { makeToken, TOKEN_HELP } from "./token-command.ts";

const [command, ...args] = process.argv.slice(2);
if (command === "token" && !args.includes("--help")) {
  try {
    console.log(await makeToken(args, process.env));
  } catch (caught) {
    if (!(caught instanceof RoomfulError)) throw caught;
    console.error(`roomful token: ${caught.detail ?? caught.message}\nroomful token --help lists the options.`);
    process.exitCode = 2;
  }
} else {
  console.log(TOKEN_HELP);
  if (command !== "token" && command !== "--help" && command !== undefined) process.exitCode = 2;
}

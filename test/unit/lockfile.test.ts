import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface LockEntry {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const text = readFileSync("package-lock.json", "utf8");
const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, LockEntry>> };

it("the lock file holds the optional packages of every platform, without which npm ci refuses it", () => {
  const absent = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in packages) && !(`${place}/node_modules/${name}` in packages),
    ),
  );
  expect(absent).toEqual([]);
});

it("the lock file holds one workerd and names no host to download from", () => {
  const runtimes = Object.keys(packages).filter((place) => place.endsWith("node_modules/workerd"));
  expect(runtimes).toEqual(["node_modules/workerd"]);
  expect(text).not.toContain('"resolved"');
});

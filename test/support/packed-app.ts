import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";

/** Runs a command of npm or of this project's tools. @returns what it printed @throws with what it printed */
export async function run(command: string, args: readonly string[], folder: string): Promise<string> {
  const tool = command === "npm" || command === process.execPath ? command : resolve("node_modules/.bin", command);
  const options = { cwd: folder, shell: process.platform === "win32", maxBuffer: 2 ** 26, timeout: 120_000 };
  try {
    return (await promisify(execFile)(tool, args, options)).stdout;
  } catch (caught) {
    const { stdout, stderr } = caught as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}\n${stderr}`, { cause: caught });
  }
}

/** An empty app in a folder of its own, with the package as npm would publish it. */
export class PackedApp {
  readonly folder = mkdtempSync(join(tmpdir(), "roomful-app-"));
  tarball = "";

  static async create(): Promise<PackedApp> {
    const app = new PackedApp();
    const printed = await run("npm", ["pack", "--json", "--loglevel=error", "--pack-destination", app.folder], ".");
    const name = /"filename": "([^"]+)"/.exec(printed)?.[1];
    if (name === undefined) throw new Error(`npm pack says no file name: ${printed}`);
    app.tarball = join(app.folder, name);
    app.write("package.json", JSON.stringify({ private: true, type: "module" }));
    return app;
  }

  /** Installs the tarball, and beside it packages of this project's `node_modules`: no registry is asked. */
  async install(...packages: string[]): Promise<void> {
    const options = ["--offline", "--install-links", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
    const folders = packages.map((name) => resolve("node_modules", name));
    await run("npm", ["install", ...options, this.tarball, ...folders], this.folder);
  }

  write(path: string, text: string): string {
    const file = join(this.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** Type-checks files of the app, against the types that are installed in it. @throws with what the compiler says */
  async check(files: readonly string[], options: Readonly<Record<string, unknown>>): Promise<void> {
    const strict = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: false, types: [] };
    this.write("tsconfig.json", JSON.stringify({ compilerOptions: { ...strict, ...options }, files }));
    await run("tsc", ["-p", "."], this.folder);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What the inspector hands out, as far as it is read here. */
export interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

/** The functions that took most time themselves, a line each. */
export function topOf({ nodes, samples, timeDeltas }: CpuProfile, count: number): string {
  const names = new Map(
    nodes.map(({ id, callFrame }) => [id, `${callFrame.functionName || "(anonymous)"}:${callFrame.lineNumber}`]),
  );
  const microseconds = new Map<string, number>();
  let busy = 0;
  for (const [index, sample] of samples.entries()) {
    const name = names.get(sample) ?? "";
    const delta = timeDeltas[index] ?? 0;
    if (!name.startsWith("(idle)")) busy += delta;
    microseconds.set(name, (microseconds.get(name) ?? 0) + delta);
  }
  return [...microseconds]
    .sort(([, one], [, other]) => other - one)
    .slice(0, count)
    .map(
      ([name, time]) =>
        `${(time / 1000).toFixed(0).padStart(7)} ms ${((100 * time) / busy).toFixed(1).padStart(5)} %  ${name}`,
    )
    .join("\n");
}

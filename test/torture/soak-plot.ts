import type { Sample } from "./soak.ts";

interface Panel {
  readonly title: string;
  readonly figure: (sample: Sample) => number | null;
}

const PANELS: readonly Panel[] = [
  { title: "heap after garbage collection, MB", figure: ({ heapBytes }) => heapBytes / 1e6 },
  { title: "resident memory of the runtime, MB", figure: (sample) => inMegabytes(sample.residentBytes) },
  { title: "rows written per edit", figure: ({ rowsPerEdit }) => rowsPerEdit },
  { title: "bytes written per edit", figure: ({ bytesPerEdit }) => bytesPerEdit },
];

const WIDTH = 720;
const PANEL_HEIGHT = 130;
const LEFT = 50;
const RIGHT = 12;
const TOP = 34;
const PLOT_HEIGHT = 76;

function inMegabytes(bytes: number | null): number | null {
  return bytes === null ? null : bytes / 1e6;
}

/** The samples as a table, one line each. */
export function csvOf(samples: readonly Sample[]): string {
  const lines = samples.map((sample) =>
    [
      sample.at.toFixed(1),
      sample.heapBytes,
      sample.residentBytes ?? "",
      sample.rowsPerEdit.toFixed(3),
      sample.bytesPerEdit.toFixed(1),
      sample.edits,
      sample.passed,
    ].join(","),
  );
  return `${["seconds,heap,resident,rows per edit,bytes per edit,edits,sockets gone", ...lines].join("\n")}\n`;
}

/** The samples as a picture: one panel for each figure, from zero up, over the seconds. */
export function svgOf(samples: readonly Sample[], title: string): string {
  const height = TOP + PANELS.length * PANEL_HEIGHT;
  const seconds = samples.at(-1)?.at ?? 1;
  const x = (at: number) => LEFT + (at / seconds) * (WIDTH - LEFT - RIGHT);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">
<title>${title}</title>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="${LEFT}" y="18" font-size="13">${title}</text>
${PANELS.map((panel, index) => svgOfPanel(panel, samples, TOP + index * PANEL_HEIGHT, x)).join("\n")}
<text x="${WIDTH - RIGHT}" y="${height - 8}" text-anchor="end">${seconds.toFixed(0)} s</text>
</svg>
`;
}

function svgOfPanel(
  { title, figure }: Panel,
  samples: readonly Sample[],
  top: number,
  x: (at: number) => number,
): string {
  const points = samples.flatMap((sample) => {
    const value = figure(sample);
    return value === null ? [] : [{ at: sample.at, value }];
  });
  const most = Math.max(...points.map(({ value }) => value), Number.MIN_VALUE);
  const bottom = top + 16 + PLOT_HEIGHT;
  const y = (value: number) => bottom - (value / (most * 1.1)) * PLOT_HEIGHT;
  const line = points.map(({ at, value }) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  return `<g>
<text x="${LEFT}" y="${top + 10}">${title}</text>
<path d="M${LEFT} ${top + 16}V${bottom}H${WIDTH - RIGHT}" fill="none" stroke="#999"/>
<text x="${LEFT - 6}" y="${(y(most) + 4).toFixed(1)}" text-anchor="end">${most.toPrecision(3)}</text>
<text x="${LEFT - 6}" y="${bottom + 4}" text-anchor="end">0</text>
<polyline points="${line}" fill="none" stroke="#2458a6" stroke-width="1.5"/>
</g>`;
}

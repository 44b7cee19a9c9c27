/** One bar, or a group of them. */
export interface BarGroup {
  readonly label: string;
  readonly bars: readonly {
    readonly series: string;
    readonly value: number;
    readonly low: number;
    readonly high: number;
  }[];
}

const WIDTH = 760;
const LEFT = 60;
const TOP = 56;
const PLOT_HEIGHT = 220;
const BOTTOM = 34;
const COLOURS = ["#2458a6", "#888888", "#bbbbbb", "#d9822b", "#3d9a5b", "#8e5bb5", "#b5485b", "#c9b037"];

/** Groups of bars over a logarithmic axis, each with the range of the repeats. @param unit of the axis */
export function barsSvg(title: string, unit: string, groups: readonly BarGroup[]): string {
  const series = [...new Set(groups.flatMap(({ bars }) => bars.map((bar) => bar.series)))];
  const values = groups
    .flatMap(({ bars }) => bars.flatMap(({ low, high }) => [low, high]))
    .filter((value) => value > 0);
  const bottomPower = Math.floor(Math.log10(Math.min(...values)));
  const topPower = Math.max(bottomPower + 1, Math.ceil(Math.log10(Math.max(...values))));
  const y = (value: number) => {
    const part = (Math.log10(Math.max(value, 10 ** bottomPower)) - bottomPower) / (topPower - bottomPower);
    return TOP + PLOT_HEIGHT * (1 - part);
  };
  const groupWidth = (WIDTH - LEFT - 12) / Math.max(1, groups.length);
  const barWidth = Math.min(40, (groupWidth * 0.86) / series.length);
  const parts = [
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${TOP + PLOT_HEIGHT + BOTTOM}" fill="#fff"/>`,
    `<text x="12" y="18" font-size="13">${escaped(`${title}, ${unit}`)}</text>`,
    ...series.map((name, index) => legend(name, index)),
  ];
  for (let power = bottomPower; power <= topPower; power++) {
    const at = y(10 ** power).toFixed(1);
    parts.push(`<path d="M${LEFT} ${at}H${WIDTH - 12}" stroke="#e4e4e4"/>`);
    parts.push(`<text x="${LEFT - 6}" y="${at}" text-anchor="end" dy="4">${(10 ** power).toLocaleString("en")}</text>`);
  }
  for (const [index, { label, bars }] of groups.entries()) {
    const middle = LEFT + groupWidth * (index + 0.5);
    for (const bar of bars) {
      const place = series.indexOf(bar.series);
      const x = middle + (place - series.length / 2) * barWidth;
      const top = y(bar.value);
      const centre = (x + barWidth * 0.45).toFixed(1);
      parts.push(
        `<rect x="${x.toFixed(1)}" y="${top.toFixed(1)}" width="${(barWidth * 0.9).toFixed(1)}" height="${(TOP + PLOT_HEIGHT - top).toFixed(1)}" fill="${COLOURS[place % COLOURS.length]}"><title>${escaped(`${bar.series}, ${label}: ${bar.value.toLocaleString("en")}`)}</title></rect>`,
        `<path d="M${centre} ${y(bar.low).toFixed(1)}V${y(bar.high).toFixed(1)}" stroke="#000" stroke-opacity="0.5"/>`,
      );
    }
    parts.push(
      `<text x="${middle.toFixed(1)}" y="${TOP + PLOT_HEIGHT + 18}" text-anchor="middle">${escaped(label)}</text>`,
    );
  }
  parts.push(`<path d="M${LEFT} ${TOP + PLOT_HEIGHT}H${WIDTH - 12}" stroke="#999"/>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${TOP + PLOT_HEIGHT + BOTTOM}" font-family="sans-serif" font-size="11">\n${parts.join("\n")}\n</svg>\n`;
}

function legend(name: string, index: number): string {
  const x = 12 + index * 106;
  return `<rect x="${x}" y="28" width="10" height="10" fill="${COLOURS[index % COLOURS.length]}"/><text x="${x + 14}" y="37">${escaped(shortened(name))}</text>`;
}

function shortened(name: string): string {
  return name.length > 17 ? `${name.slice(0, 16)}…` : name;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

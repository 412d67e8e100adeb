/** Bar charts as SVG: one bar a contender with its median, a whisker from the least to the most. Pure. */
import { linearAxis, logAxis, tickText } from './axis.js';
import { colourOf, escape } from './svg.js';
import type { Spread } from '../lib/statistics.js';

export interface Bar {
  label: string;
  spread: Spread;
}

export interface Group {
  label: string;
  bars: readonly Bar[];
}

export interface Chart {
  title: string;
  /** What the axis says, unit included; values are divided by `scale` for it. */
  axis: string;
  scale: number;
  digits: number;
  groups: readonly Group[];
  /** Logarithmic axis, for contenders that differ by orders of magnitude. */
  log?: boolean;
  /** Labels in the order of their colours, so that a contender has the same one in every chart; others come after. */
  order?: readonly string[];
}

const WIDTH = 760;
const LABEL_WIDTH_MIN = 130;
/** A bold 12-pixel letter of DejaVu Sans is about that wide; ours are narrower. */
const LETTER_WIDTH = 7;
const VALUE_WIDTH = 130;
const BAR_HEIGHT = 14;
const BAR_STEP = 19;
const GROUP_HEAD = 22;
const GROUP_GAP = 8;
const TITLE_HEIGHT = 34;
const AXIS_HEIGHT = 42;
/** The charts that have something to show, by file name. */
export function drawn(charts: Readonly<Record<string, Chart>>): Record<string, string> {
  const shown = Object.entries(charts).filter(([, { groups }]) => groups.length > 0);
  return Object.fromEntries(shown.map(([name, chart]) => [name, barChart(chart)]));
}

/** References to those charts for a page beside the folder `benchmarks`. */
export function references(charts: Readonly<Record<string, Chart>>): string[] {
  return Object.entries(charts).flatMap(([name, { title, groups }]) =>
    groups.length > 0 ? [`![${title}](benchmarks/${name})`] : [],
  );
}

/** @throws RangeError when there is nothing to draw */
export function barChart({ title, axis: axisText, scale, digits, groups, log, order = [] }: Chart): string {
  const spreads = groups.flatMap(({ bars }) => bars.map(({ spread }) => spread));
  if (spreads.length === 0) throw new RangeError(`chart "${title}": nothing to draw`);
  const most = Math.max(...spreads.map(({ max }) => max)) / scale || 1;
  const positive = spreads.map(({ min }) => min / scale).filter((value) => value > 0);
  const named = groups.flatMap(({ bars }) => bars.map(({ label }) => label));
  const left = Math.max(LABEL_WIDTH_MIN, ...named.map((label) => label.length * LETTER_WIDTH + 16));
  const plotWidth = WIDTH - left - VALUE_WIDTH;
  const axis =
    log === true ? logAxis(Math.min(most, ...positive), most, left, plotWidth) : linearAxis(most, left, plotWidth);
  const plotHeight = groups.reduce((sum, { bars }) => sum + GROUP_HEAD + bars.length * BAR_STEP + GROUP_GAP, 0);
  const bottom = TITLE_HEIGHT + plotHeight;
  const height = bottom + AXIS_HEIGHT;
  const labels = [...new Set([...order, ...named])];
  const out: string[] = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ` +
      `font-family="DejaVu Sans, Verdana, Arial, sans-serif" font-size="12" role="img">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="10" y="22" font-size="15" font-weight="bold" fill="#111111">${escape(title)}</text>`,
  ];
  for (const tick of axis.ticks) {
    const x = axis.at(tick).toFixed(1);
    out.push(`<line x1="${x}" y1="${TITLE_HEIGHT}" x2="${x}" y2="${bottom}" stroke="#dddddd"/>`);
    out.push(`<text x="${x}" y="${bottom + 16}" text-anchor="middle" fill="#444444">${tickText(tick)}</text>`);
  }
  const middle = left + plotWidth / 2;
  out.push(`<text x="${middle}" y="${bottom + 34}" text-anchor="middle" fill="#444444">${escape(axisText)}</text>`);
  let y = TITLE_HEIGHT;
  for (const group of groups) {
    out.push(`<text x="10" y="${y + 16}" font-weight="bold" fill="#111111">${escape(group.label)}</text>`);
    y += GROUP_HEAD;
    for (const { label, spread } of group.bars) {
      const [min, median, max] = [spread.min, spread.median, spread.max].map((value) => axis.at(value / scale));
      const colour = colourOf(label, labels);
      const centre = y + BAR_HEIGHT / 2;
      const whisker = `M${min} ${centre - 4}V${centre + 4}M${min} ${centre}H${max}M${max} ${centre - 4}V${centre + 4}`;
      out.push(
        `<text x="${left - 8}" y="${y + 11}" text-anchor="end" fill="#111111">${escape(label)}</text>`,
        `<rect x="${left}" y="${y}" width="${((median ?? 0) - left).toFixed(1)}" height="${BAR_HEIGHT}" fill="${colour}"/>`,
        `<path d="${whisker}" stroke="#111111" fill="none"/>`,
        `<text x="${((max ?? 0) + 8).toFixed(1)}" y="${y + 11}" fill="#111111">${(spread.median / scale).toFixed(digits)}</text>`,
      );
      y += BAR_STEP;
    }
    y += GROUP_GAP;
  }
  out.push('</svg>');
  return out.join('\n') + '\n';
}

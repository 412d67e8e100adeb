/** Line charts as SVG: one line a contender with its medians, a whisker from the least to the most at each. Pure. */
import { linearAxis, tickText } from './axis.js';
import { colourOf, escape, isOurs } from './svg.js';
import type { Spread } from '../lib/statistics.js';

export interface Curve {
  label: string;
  points: readonly { x: number; y: Spread }[];
}

export interface CurveChart {
  title: string;
  xAxis: string;
  yAxis: string;
  /** `x` is drawn as its logarithm. */
  curves: readonly Curve[];
  /** Places of `x` that mean something, as the end of a cache. */
  marks: readonly { x: number; label: string }[];
  /** Labels in the order of their colours. */
  order: readonly string[];
}

const WIDTH = 760;
const HEIGHT = 420;
const LEFT = 70;
const RIGHT = 170;
const TOP = 44;
const BOTTOM = 52;
/** Labels at the lines' ends keep so far apart, pixels. */
const LABEL_STEP = 15;
/** Ours have one colour: what tells them apart. */
const DASHES = ['', '7 4', '2 3', '9 3 2 3'];

/** 16384 as 16 Ki: the powers of two that follow each other leave no room for more. */
function countText(count: number): string {
  return count >= 1024 && count % 1024 === 0 ? `${count / 1024} Ki` : String(count);
}

/** Places for labels as near to where they should be as they do not touch. */
function spreadOut(wanted: readonly number[]): number[] {
  const order = wanted.map((y, index) => ({ y, index })).sort((a, b) => a.y - b.y);
  const places = [...wanted];
  let last = -Infinity;
  for (const { y, index } of order) {
    last = Math.max(y, last + LABEL_STEP);
    places[index] = last;
  }
  return places;
}

function line(
  curve: Curve,
  colour: string,
  dash: string,
  at: (x: number) => number,
  up: (y: number) => number,
): string[] {
  const path = curve.points.map(({ x, y }, index) => {
    return `${index === 0 ? 'M' : 'L'}${at(x).toFixed(1)} ${up(y.median).toFixed(1)}`;
  });
  const dashed = dash === '' ? '' : ` stroke-dasharray="${dash}"`;
  return [
    `<path d="${path.join('')}" stroke="${colour}" stroke-width="2"${dashed} fill="none"/>`,
    ...curve.points.map(
      ({ x, y }) =>
        `<path d="M${at(x).toFixed(1)} ${up(y.min).toFixed(1)}V${up(y.max).toFixed(1)}" stroke="${colour}" fill="none"/>`,
    ),
    ...curve.points.map(
      ({ x, y }) => `<circle cx="${at(x).toFixed(1)}" cy="${up(y.median).toFixed(1)}" r="3" fill="${colour}"/>`,
    ),
  ];
}

/** @throws RangeError when there is nothing to draw */
export function curveChart({ title, xAxis, yAxis, curves, marks, order }: CurveChart): string {
  const points = curves.flatMap((curve) => curve.points);
  if (points.length === 0) throw new RangeError(`chart "${title}": nothing to draw`);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const [least, most] = [Math.log2(xs[0] ?? 1), Math.log2(xs.at(-1) ?? 2)];
  const width = WIDTH - LEFT - RIGHT;
  const base = HEIGHT - BOTTOM;
  const at = (x: number): number => LEFT + ((Math.log2(x) - least) / (most - least || 1)) * width;
  const axis = linearAxis(Math.max(...points.map(({ y }) => y.max)), base, TOP - base);
  const labels = [...new Set([...order, ...curves.map(({ label }) => label)])];
  const out = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
      'font-family="DejaVu Sans, Verdana, Arial, sans-serif" font-size="12" role="img">',
    `<title>${escape(title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="10" y="22" font-size="15" font-weight="bold" fill="#111111">${escape(title)}</text>`,
  ];
  for (const tick of axis.ticks) {
    const y = axis.at(tick).toFixed(1);
    out.push(`<line x1="${LEFT}" y1="${y}" x2="${LEFT + width}" y2="${y}" stroke="#dddddd"/>`);
    out.push(
      `<text x="${LEFT - 8}" y="${(axis.at(tick) + 4).toFixed(1)}" text-anchor="end" fill="#444444">${tickText(tick)}</text>`,
    );
  }
  for (const x of xs) {
    out.push(
      `<text x="${at(x).toFixed(1)}" y="${base + 16}" text-anchor="middle" fill="#444444">${countText(x)}</text>`,
    );
  }
  for (const { x, label } of marks.filter((mark) => mark.x >= (xs[0] ?? 1) && mark.x <= (xs.at(-1) ?? 1))) {
    out.push(
      `<line x1="${at(x).toFixed(1)}" y1="${TOP}" x2="${at(x).toFixed(1)}" y2="${base}" stroke="#999999" stroke-dasharray="3 3"/>`,
    );
    out.push(
      `<text x="${(at(x) - 4).toFixed(1)}" y="${TOP + 10}" text-anchor="end" fill="#666666">${escape(label)}</text>`,
    );
  }
  out.push(
    `<text x="${LEFT + width / 2}" y="${HEIGHT - 12}" text-anchor="middle" fill="#444444">${escape(xAxis)}</text>`,
  );
  out.push(
    `<text transform="translate(16 ${TOP + (base - TOP) / 2}) rotate(-90)" text-anchor="middle" fill="#444444">${escape(yAxis)}</text>`,
  );
  const ours = curves.filter(({ label }) => isOurs(label)).map(({ label }) => label);
  const ends = spreadOut(curves.map(({ points: of }) => axis.at(of.at(-1)?.y.median ?? 0)));
  for (const [index, curve] of curves.entries()) {
    const colour = colourOf(curve.label, labels);
    out.push(...line(curve, colour, DASHES[ours.indexOf(curve.label)] ?? '', at, (y) => axis.at(y)));
    out.push(
      `<text x="${LEFT + width + 10}" y="${((ends[index] ?? 0) + 4).toFixed(1)}" fill="${colour}">${escape(curve.label)}</text>`,
    );
  }
  out.push('</svg>');
  return out.join('\n') + '\n';
}

// Numbers as an operator reads them: about four significant digits, never less than two, and a width that does not change while a
// value moves a little.

const DIGITS = 4;
/** Below and above these, a number is easier to read as a power of ten. */
const PLAIN_MIN = 1e-2;
const PLAIN_MAX = 1e6;
/** Digits after the point of a power of ten: vacuum gauges are not better than that. */
const POWER_DIGITS = 2;

/** A real number; an em dash for none. */
export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return '—';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const size = Math.abs(value);
  if (size !== 0 && (size < PLAIN_MIN || size >= PLAIN_MAX)) return signed(value.toExponential(POWER_DIGITS));
  const whole = size < 1 ? 1 : Math.floor(Math.log10(size)) + 1;
  return signed(value.toFixed(Math.max(1, DIGITS - whole)));
}

/** A whole number with thin groups of three: 48 213. */
export function formatInteger(value: number | bigint): string {
  const digits = String(typeof value === 'number' ? Math.round(value) : value);
  return signed(digits.replace(/\B(?=(\d{3})+$)/g, '\u2009'));
}

/** A bound that a person wrote down: no more digits than they gave. */
export function formatBound(value: number): string {
  return signed(String(Number(value.toPrecision(6))));
}

/** A difference, always with its sign. */
export function formatDelta(value: number): string {
  return value > 0 ? `+${formatNumber(value)}` : formatNumber(value);
}

/** A unit as it is printed on instruments. */
export function formatUnit(unit: string): string {
  return UNITS.get(unit) ?? unit;
}

const UNITS = new Map([
  ['degC', '°C'],
  ['degF', '°F'],
  ['deg', '°'],
  ['ohm', 'Ω'],
]);

/** A minus is as wide as a plus, a hyphen is not. */
function signed(text: string): string {
  return text.replace(/-/g, '−');
}

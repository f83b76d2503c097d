/** The inks that a highlight can have by name, and the hue of each in OKLCH. */
export const inks = { yellow: 98, green: 150, blue: 240, pink: 355, purple: 300, orange: 65, red: 25 } as const;

export type Ink = keyof typeof inks;

/** The inks that are offered: the others come from elsewhere. */
export const offered = ['yellow', 'green', 'blue', 'pink', 'purple'] as const satisfies readonly Ink[];

/** Whether a color is an ink by its name. */
export function isInk(color: unknown): color is Ink {
	return typeof color === 'string' && color in inks;
}

/** The ink for a color of the wire: its own by name, the nearest in hue for #rrggbb. */
export function inkOf(color: string): Ink {
	if (isInk(color)) return color;
	const hue = hueOf(color);
	if (hue === null) return 'yellow';
	const names = Object.keys(inks) as Ink[];
	return names.reduce((best, ink) => (turn(hue, inks[ink]) < turn(hue, inks[best]) ? ink : best));
}

function turn(a: number, b: number): number {
	const degrees = Math.abs(a - b) % 360;
	return Math.min(degrees, 360 - degrees);
}

/** The hue of #rrggbb in OKLab, in degrees. */
function hueOf(color: string): number | null {
	const digits = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color);
	if (!digits) return null;
	const [r = 0, g = 0, b = 0] = digits.slice(1).map((hex) => linear(Number.parseInt(hex, 16) / 255));
	const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
	const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
	const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
	const alpha = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s;
	const beta = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s;
	return (Math.atan2(beta, alpha) * 180) / Math.PI + 360;
}

function linear(channel: number): number {
	return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
}

/** What most elements have under their text, as it is computed. */
const none = 'rgba(0, 0, 0, 0)';

/** Whether the text in an element stands on a dark ground, by what is computed beneath it. */
export function onDark(element: Element | null, known: Map<Element, boolean>): boolean {
	const passed: Element[] = [];
	let dark: boolean | undefined;
	for (let at = element; at && dark === undefined; at = above(at)) {
		dark = known.get(at);
		if (dark !== undefined) break;
		passed.push(at);
		const style = getComputedStyle(at);
		const ground = style.backgroundColor === none ? null : parse(style.backgroundColor);
		if (ground && ground.alpha >= 0.5) dark = ground.luminance < 0.4;
		// A picture says nothing of its brightness, but the text on it was made to be read: light text, dark ground.
		else if (style.backgroundImage !== 'none') dark = lightText(at);
	}
	// Nothing is painted up to the root: then the canvas shows, light or dark as the text is not.
	dark ??= element ? lightText(element) : false;
	for (const at of passed) known.set(at, dark);
	return dark;
}

function above(element: Element): Element | null {
	if (element.assignedSlot) return element.assignedSlot;
	const parent = element.parentNode;
	return parent instanceof ShadowRoot ? parent.host : element.parentElement;
}

function lightText(element: Element): boolean {
	const color = parse(getComputedStyle(element).color);
	return color !== null && color.luminance > 0.6;
}

/** A computed color: how bright, from 0 to 1, and how opaque. */
function parse(color: string): { luminance: number; alpha: number } | null {
	const numbers = (color.match(/[\d.]+%?/g) ?? []).map((n) =>
		n.endsWith('%') ? Number.parseFloat(n) / 100 : Number(n),
	);
	const [a = 0, b = 0, c = 0] = numbers;
	if (color.startsWith('rgb')) {
		return { luminance: (0.2126 * a + 0.7152 * b + 0.0722 * c) / 255, alpha: numbers[3] ?? 1 };
	}
	if (/^ok(lch|lab)/.test(color)) return { luminance: a, alpha: numbers[3] ?? 1 };
	if (/^(lch|lab)/.test(color)) return { luminance: a > 1 ? a / 100 : a, alpha: numbers[3] ?? 1 };
	const space = /^color\(([\w-]+) (.+)\)$/.exec(color);
	if (!space?.[2]) return null;
	const [r = 0, g = 0, blue = 0, alpha = 1] = (space[2].match(/[\d.]+/g) ?? []).map(Number);
	return { luminance: 0.2126 * r + 0.7152 * g + 0.0722 * blue, alpha };
}

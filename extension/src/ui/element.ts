type Attributes = Record<string, string | boolean>;

/** Makes an element. What people wrote goes in as text only, never as markup. */
export function el<K extends keyof HTMLElementTagNameMap>(
	tag: K,
	attributes: Attributes = {},
	...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (value !== false) element.setAttribute(name, value === true ? '' : value);
	}
	element.append(...children);
	return element;
}

/** A button that does one thing, for as long as the signal lasts. */
export function button(
	attributes: Attributes,
	label: Node | string,
	act: () => void,
	signal: AbortSignal,
): HTMLButtonElement {
	const element = el('button', { type: 'button', ...attributes }, label);
	element.addEventListener('click', act, { signal });
	return element;
}

const paths = {
	close: 'M4 4l8 8M12 4l-8 8',
	note: 'M3 3.5h10v7H8l-3 2.5v-2.5H3zM5.5 6h5M5.5 8h3',
	clip: 'M12.8 7.6l-4.9 4.9a2.9 2.9 0 0 1-4.1-4.1l5-5a1.9 1.9 0 0 1 2.7 2.7l-4.9 4.9a.9.9 0 0 1-1.3-1.3l4.4-4.4',
	link: 'M6.7 9.3l2.6-2.6M7.4 4.6l1.3-1.3a2.8 2.8 0 0 1 4 4l-1.3 1.3M8.6 11.4l-1.3 1.3a2.8 2.8 0 0 1-4-4l1.3-1.3',
} as const;

/** A drawing for a button that has a name besides. */
export function icon(name: keyof typeof paths): SVGElement {
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	svg.setAttribute('viewBox', '0 0 16 16');
	svg.setAttribute('aria-hidden', 'true');
	const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
	path.setAttribute('d', paths[name]);
	svg.append(path);
	return svg;
}

/** Says when what is on the page may stand elsewhere than before, and when its colors may be others. */
export function followSurroundings(
	on: { moved: () => void; scrolled: () => void; recolored: () => void },
	signal: AbortSignal,
): void {
	const size = new ResizeObserver(on.moved);
	const theme = new MutationObserver(on.recolored);
	for (const element of [document.documentElement, document.body]) {
		if (!element) continue;
		size.observe(element);
		theme.observe(element, { attributes: true, attributeFilter: ['class', 'style', 'data-theme'] });
	}
	// What scrolls within the page moves its text under the dots; what scrolls with the page takes them along.
	const scroll = (event: Event) => {
		if (event.target !== document) on.moved();
		else on.scrolled();
	};
	document.addEventListener('scroll', scroll, { signal, capture: true, passive: true });
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', on.recolored, { signal });
	signal.addEventListener('abort', () => {
		size.disconnect();
		theme.disconnect();
	});
}

// Draws where a page is marked, from its beginning to its end. It is counted after the page is there, which may take longer:
// with 100,000 highlights on it, the page would have to wait for it. It shows nothing that the list below does not say.
const strip = document.getElementById('heat');
const svg = (name, attributes) => {
	const made = document.createElementNS('http://www.w3.org/2000/svg', name);
	for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
	return made;
};

async function draw() {
	const answer = await fetch(strip.dataset.heat);
	if (!answer.ok) return;
	const { heat } = await answer.json();
	const most = Math.max(...(heat?.buckets ?? []));
	if (!(most > 0)) return strip.replaceChildren();
	const image = svg('svg', {
		class: 'heat',
		viewBox: `0 0 ${heat.buckets.length} 10`,
		preserveAspectRatio: 'none',
		role: 'img',
		'aria-label': 'Where the page is marked, from its beginning to its end',
	});
	for (let x = 0, end = 0; x < heat.buckets.length; x = end) {
		const n = heat.buckets[x];
		while (heat.buckets[end] === n) end++; // neighbours alike are one piece: between two there would be a seam
		if (n > 0) image.append(svg('rect', { x, width: end - x, height: 10, 'fill-opacity': 0.2 + (0.8 * n) / most }));
	}
	strip.replaceChildren(image);
}

if (strip) {
	draw().catch(() => {});
	setInterval(() => document.visibilityState === 'visible' && draw().catch(() => {}), 30_000);
}

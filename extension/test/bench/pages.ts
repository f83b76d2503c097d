/** An article of about 1 MB, with as many links and other inline elements as an encyclopedia has. */
export const article = (() => {
	const words =
		'the moon pulls the sea towards it and the earth turns beneath so each harbour sees two high waters'.split(' ');
	let seed = 1;
	const random = (n: number) => {
		seed = (seed * 48_271) % 2_147_483_647;
		return seed % n;
	};
	const some = (n: number) => Array.from({ length: n }, () => words[random(words.length)]).join(' ');
	const sentence = () =>
		`${some(9)} <a href="/wiki/${some(1)}">${some(2)}</a> ${some(5)} <em>${some(1)}</em> ${some(6)}.<sup><a href="#n">[1]</a></sup> `;
	const paragraph = (_: unknown, i: number) =>
		`<p>${i}. ${Array.from({ length: 5 }, sentence).join('')}<b>${some(2)}</b> and more.</p>`;
	const section = (_: unknown, i: number) =>
		`<section><h2>Part ${i}</h2>${Array.from({ length: 13 }, paragraph).join('\n')}</section>`;
	return `<!doctype html><meta charset="utf-8"><title>Tides</title><body>${Array.from({ length: 100 }, section).join('\n')}`;
})();

/** So many paragraphs that are all siblings. */
export const siblings = (count: number) =>
	`<!doctype html><meta charset="utf-8"><title>Tides</title><body>${Array.from({ length: count }, (_, i) => `<p>${i}. Each harbour sees two high waters a day, and two low ones.</p>`).join('\n')}`;

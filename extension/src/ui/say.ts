import type en from '../../locales/en.json';

/** A message of limn's, by its key in locales/. $1 to $9 in it stand for what it is about. */
export type Key = keyof typeof en;
/** A message that counts: it has a form for one and one for others. */
export type Counted = Key extends infer K ? (K extends `${infer Name}_one` ? Name : never) : never;

let table: Record<Key, string> | null = null;

/** Gives the messages to a script of a page. An extension's browser has them already, in its own language. */
export function speak(messages: Record<Key, string>): void {
	table = messages;
}

export function say(key: Key, ...about: (string | number)[]): string {
	if (!table) return chrome.i18n.getMessage(key, about.map(String));
	return table[key].replace(/\$([1-9])/g, (_, n: string) => String(about[Number(n) - 1] ?? ''));
}

/** Says a number of something; $1 is the number. */
export function count(key: Counted, n: number, ...about: (string | number)[]): string {
	const { plural, number } = formats();
	const one = plural.select(n) === 'one';
	return say(`${key}_${one ? 'one' : 'other'}` as Key, number.format(n), ...about);
}

/** How numbers and times are written: made once, as making one takes longer than a thousand uses. */
export const formats = once(() => ({
	plural: new Intl.PluralRules(language()),
	number: new Intl.NumberFormat(language()),
	day: new Intl.DateTimeFormat(language(), { day: 'numeric', month: 'short', year: 'numeric' }),
	exact: new Intl.DateTimeFormat(language(), { dateStyle: 'full', timeStyle: 'short' }),
}));

function once<T>(make: () => T): () => T {
	let made: T | undefined;
	return () => {
		made ??= make();
		return made;
	};
}

/** The language that the messages are in, which is not always the browser's. */
export function language(): string {
	return say('language');
}

/** Says what a page of the extension has to say: each element that names a message gets its words. */
export function sayAll(doc: Document): void {
	doc.documentElement.lang = language();
	doc.documentElement.dir = say('direction');
	for (const element of doc.querySelectorAll<HTMLElement>('[data-say]')) {
		element.textContent = say(element.dataset.say as Key);
	}
}

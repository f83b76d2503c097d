import { button, el } from './element.ts';
import { say } from './say.ts';

/**
 * Asks for a name until one is taken over or the person thinks better of it. `use` answers null when the name is
 * theirs, else what stands against it.
 */
export function askName(
	root: HTMLElement,
	use: (name: string) => Promise<string | null>,
	/** Signs in elsewhere, and says whether one has; null: there is no other way. */
	signIn: (() => Promise<boolean>) | null,
	signal: AbortSignal,
): Promise<boolean> {
	const input = el('input', {
		id: 'name',
		name: 'name',
		autocomplete: 'nickname',
		maxlength: '60',
		required: true,
		'aria-describedby': 'name-wrong',
	});
	const wrong = el('p', { id: 'name-wrong', class: 'wrong', role: 'alert', hidden: true });
	const cancel = el('button', { type: 'button', class: 'quiet' }, say('cancel'));
	const go = el('button', { type: 'submit', class: 'main' }, say('continue'));
	const form = el(
		'form',
		{ method: 'dialog', novalidate: true },
		el('h2', { id: 'name-title' }, say('whatName')),
		el('p', {}, say('whyName')),
		el('label', { for: 'name' }, say('name')),
		input,
		wrong,
		el('div', { class: 'row' }, cancel, go),
	);
	const dialog = el('dialog', { 'aria-labelledby': 'name-title' }, form);
	root.append(dialog);

	return new Promise((resolve) => {
		const end = new AbortController();
		const close = (named: boolean) => {
			end.abort();
			dialog.close();
			dialog.remove();
			resolve(named);
		};
		const refuse = (words: string) => {
			wrong.textContent = words;
			wrong.hidden = words === '';
			input.setAttribute('aria-invalid', String(words !== ''));
		};
		form.addEventListener(
			'submit',
			async (event) => {
				event.preventDefault();
				const name = input.value.trim();
				if (name === '') return refuse(say('nameNeeded'));
				go.disabled = true;
				const against = await use(name);
				go.disabled = false;
				if (against === null) return close(true);
				refuse(against);
				input.focus();
			},
			{ signal: end.signal },
		);
		cancel.addEventListener('click', () => close(false), { signal: end.signal });
		dialog.addEventListener(
			'cancel',
			(event) => {
				event.preventDefault();
				close(false);
			},
			{ signal: end.signal },
		);
		signal.addEventListener('abort', () => close(false), { signal: end.signal });
		if (signIn) {
			const known = async () => {
				if (await signIn()) close(true);
			};
			form.append(button({ class: 'quiet wide' }, say('haveAccount'), () => void known(), end.signal));
		}
		dialog.showModal();
		input.focus();
	});
}

import { button, el } from './element.ts';
import { say } from './say.ts';

/** What somebody has typed and not saved yet. A version is that of the text that was there when it was begun. */
export interface Draft {
	text: string;
	version?: number;
}

/** Drafts by what they are for. They outlive the card and the page: whoever keeps them is told of each change. */
export class Drafts {
	private readonly all = new Map<string, Draft>();

	constructor(private readonly keep: (key: string, draft: Draft | null) => void) {}

	/** Takes over what was kept; what is being typed now is newer. */
	restore(kept: Readonly<Record<string, Draft>>): void {
		for (const [key, draft] of Object.entries(kept)) if (!this.all.has(key)) this.all.set(key, draft);
	}

	get(key: string): Draft | undefined {
		return this.all.get(key);
	}

	keys(): string[] {
		return [...this.all.keys()];
	}

	put(key: string, draft: Draft): void {
		if (draft.text === '') return this.drop(key);
		this.all.set(key, draft);
		this.keep(key, draft);
	}

	drop(key: string): void {
		if (this.all.delete(key)) this.keep(key, null);
	}
}

/** Why something was not saved: in a sentence, and whether it is that somebody was faster. */
export interface Against {
	words: string;
	stale: boolean;
}

interface Wording {
	label: string;
	placeholder: string;
	action: string;
	/** What its draft is kept under. */
	key: string;
}

/** A place to type: what is typed is kept until it is saved. */
export class Composer {
	readonly element: HTMLFormElement;
	private readonly area: HTMLTextAreaElement;
	private readonly wrong = el('p', { class: 'wrong', role: 'alert', hidden: true });
	private readonly row: HTMLElement;
	private readonly submit: HTMLButtonElement;
	private version: number | undefined;
	private saving = false;
	/** Whether it was sent once more meanwhile. */
	private again = false;

	constructor(
		private readonly words: Wording,
		private readonly drafts: Drafts,
		private readonly save: (text: string, version?: number) => Promise<Against | null>,
		/** Leaves without saving; null: there is nothing to leave. */
		private readonly leave: (() => void) | null,
		signal: AbortSignal,
	) {
		this.area = el('textarea', { 'aria-label': words.label, placeholder: words.placeholder, rows: '1', dir: 'auto' });
		this.submit = el('button', { type: 'submit', class: 'main' }, words.action);
		this.row = el('div', { class: 'row' }, el('span', { class: 'small' }, 'Ctrl+Enter'));
		if (leave) this.row.append(button({ class: 'quiet' }, say('cancel'), () => this.finish(), signal));
		this.row.append(this.submit);
		this.element = el('form', {}, this.area, this.wrong, this.row);
		this.restore();
		const options = { signal };
		this.element.addEventListener(
			'submit',
			(event) => {
				event.preventDefault();
				void this.send();
			},
			options,
		);
		this.area.addEventListener('input', () => this.keep(), options);
		this.area.addEventListener(
			'keydown',
			(event) => {
				if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
				event.preventDefault();
				void this.send();
			},
			options,
		);
	}

	/** Begins with a text and its version, unless there is a draft. */
	open(text: string, version?: number): void {
		const draft = this.drafts.get(this.words.key);
		this.area.value = draft?.text ?? text;
		this.version = draft ? draft.version : version;
		this.area.focus();
	}

	/** Shows the draft that was kept, if nothing is typed here. */
	restore(): void {
		const draft = this.drafts.get(this.words.key);
		if (draft && this.area.value === '') {
			this.area.value = draft.text;
			this.version = draft.version;
		}
		this.row.hidden = this.leave === null && this.area.value === '';
	}

	/** While it is to be decided which of two texts stays, that is all that can be done. */
	set decided(decided: boolean) {
		if (!decided) this.row.hidden = true;
		else if (this.leave) this.row.hidden = false;
	}

	/** Saves in spite of what came in between: over this version. */
	insist(version: number): void {
		this.version = version;
		void this.send();
	}

	finish(): void {
		this.drafts.drop(this.words.key);
		this.area.value = '';
		this.wrong.hidden = true;
		this.row.hidden = this.leave === null;
		this.leave?.();
	}

	private keep(): void {
		const version = this.version === undefined ? {} : { version: this.version };
		this.drafts.put(this.words.key, { text: this.area.value, ...version });
		this.row.hidden = this.leave === null && this.area.value === '';
	}

	private async send(): Promise<void> {
		const text = this.area.value.trim();
		if (text === '' && this.leave === null) return;
		this.again = this.saving;
		if (this.saving) return;
		this.saving = true;
		this.submit.disabled = true;
		const against = await this.save(text, this.version);
		this.saving = false;
		this.submit.disabled = false;
		this.wrong.textContent = against ? say('notSavedKept', against.words) : '';
		this.wrong.hidden = against === null || against.stale; // then both texts are shown
		if (against) return;
		// What was typed while it was being saved is the next text.
		if (this.leave || this.area.value.trim() === text) this.finish();
		else if (this.again) void this.send();
	}
}

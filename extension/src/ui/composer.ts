import { button, el, icon } from './element.ts';
import { Files } from './files.ts';
import { say } from './say.ts';

/** How many files go onto one note or reply, and how large one may be, in bytes: the server's limits. */
const maxFiles = 10;
const maxFile = 10 << 20;

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
	private files: File[] = [];
	private readonly chips: Files;
	/** Whether it was sent once more meanwhile. */
	private again = false;

	constructor(
		private readonly words: Wording,
		private readonly drafts: Drafts,
		private readonly save: (
			text: string,
			version: number | undefined,
			files: readonly File[],
		) => Promise<Against | null>,
		/** Leaves without saving; null: there is nothing to leave. */
		private readonly leave: (() => void) | null,
		private readonly signal: AbortSignal,
		takesFiles = true,
	) {
		this.area = el('textarea', { 'aria-label': words.label, placeholder: words.placeholder, rows: '1', dir: 'auto' });
		this.submit = el('button', { type: 'submit', class: 'main' }, words.action);
		this.row = el('div', { class: 'row' }, el('span', { class: 'small' }, 'Ctrl+Enter'));
		if (leave) this.row.append(button({ class: 'quiet' }, say('cancel'), () => this.finish(), signal));
		this.row.append(this.submit);
		this.chips = new Files(
			{
				read: async (id) => this.files.find((file) => idOf(file) === id) ?? new Blob(),
				remove: ({ id }) => {
					this.files = this.files.filter((file) => idOf(file) !== id);
					this.showFiles();
					this.area.focus();
				},
			},
			signal,
		);
		const field = el('div', { class: 'field' }, this.area);
		this.element = el('form', {}, field, this.chips.element, this.wrong, this.row);
		if (takesFiles) this.takeFiles(field);
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
		this.row.hidden = this.idle;
	}

	/** Whether there is nothing here to send, and so no button for it. */
	private get idle(): boolean {
		return this.leave === null && this.area.value === '' && this.files.length === 0;
	}

	/** Takes files that are to come along: chosen, dropped or pasted. */
	add(files: Iterable<File>): void {
		const all = [...files];
		const large = all.find(({ size }) => size > maxFile);
		const kept = [...this.files, ...all.filter(({ size }) => size <= maxFile && size > 0)];
		this.files = kept.slice(0, maxFiles);
		this.wrong.textContent = large
			? say('fileTooLarge', large.name)
			: kept.length > maxFiles
				? say('filesTooMany')
				: '';
		this.wrong.hidden = this.wrong.textContent === '';
		this.showFiles();
	}

	private showFiles(): void {
		const chosen = this.files.map((file) => ({ id: idOf(file), name: file.name, type: file.type, size: file.size }));
		this.chips.show(chosen, new Map(), true);
		this.row.hidden = this.idle;
	}

	private takeFiles(field: HTMLElement): void {
		const { signal } = this;
		const input = el('input', { type: 'file', multiple: true, hidden: true });
		const name = say('attach');
		field.append(
			button(
				{ class: 'icon', 'aria-label': `${name}: ${this.words.label}`, title: name },
				icon('clip'),
				() => input.click(),
				signal,
			),
			input,
		);
		input.addEventListener(
			'change',
			() => {
				this.add(input.files ?? []);
				input.value = '';
			},
			{ signal },
		);
		const take = (event: Event, data: DataTransfer | null) => {
			if (!data?.types.includes('Files') || data.types.includes('text/plain')) return; // text may bring its picture
			event.preventDefault();
			this.add(data.files);
		};
		this.element.addEventListener('dragover', (event) => take(event, event.dataTransfer), { signal });
		this.element.addEventListener('drop', (event) => take(event, event.dataTransfer), { signal });
		this.area.addEventListener('paste', (event) => take(event, event.clipboardData), { signal });
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
		this.files = [];
		this.wrong.hidden = true;
		this.showFiles();
		this.leave?.();
	}

	private keep(): void {
		const version = this.version === undefined ? {} : { version: this.version };
		this.drafts.put(this.words.key, { text: this.area.value, ...version });
		this.row.hidden = this.idle;
	}

	private async send(): Promise<void> {
		const typed = this.area.value.trim();
		if (typed === '' && this.leave === null && this.files.length === 0) return;
		// A reply has words: without any, they are what comes along is called.
		const text = typed || this.leave ? typed : this.files.map(({ name }) => name).join(', ');
		this.again = this.saving;
		if (this.saving) return;
		this.saving = true;
		const held = this.element.matches(':focus-within');
		this.submit.disabled = true;
		const against = await this.save(text, this.version, this.files);
		this.saving = false;
		this.submit.disabled = false;
		this.wrong.textContent = against ? say('notSavedKept', against.words) : '';
		this.wrong.hidden = against === null || against.stale; // then both texts are shown
		if (against) return;
		// What was typed while it was being saved is the next text.
		if (this.leave || this.area.value.trim() === typed) this.finish();
		else if (this.again) void this.send();
		if (held && !this.leave) this.area.focus({ preventScroll: true }); // the button that was pressed is gone
	}
}

function idOf({ name, size, lastModified }: File): string {
	return `${name} ${size} ${lastModified}`;
}

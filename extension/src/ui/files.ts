import type { Attachment } from '../api/shapes.ts';
import { button, el, icon } from './element.ts';
import { language, say } from './say.ts';
import { failure } from './words.ts';

/** How large a picture is drawn at most, in CSS pixels. */
const width = 240;
const height = 140;

/** What a browser shows as a picture, by the server's own word for it. */
const picture = /^image\/(gif|jpeg|png|webp)$/;

/** How much of a file is sent, from 0 to 1; null: it waits. */
export type Unsent = ReadonlyMap<string, number | null>;

export interface FileActions {
	read: (id: string) => Promise<Blob>;
	remove: (file: Attachment) => void;
}

/** The files on a note or a reply: pictures small, and all by name and size. A press saves one. */
export class Files {
	readonly element = el('ul', { class: 'files', 'aria-label': say('files'), hidden: true });
	private face = '';
	/** What was drawn stays drawn: each picture is asked for once. */
	private readonly drawn = new Map<string, HTMLCanvasElement>();

	constructor(
		private readonly on: FileActions,
		private readonly signal: AbortSignal,
	) {}

	show(files: readonly Attachment[], unsent: Unsent, mine: boolean): void {
		const face = JSON.stringify([files, files.map(({ id }) => unsent.get(id)), mine]);
		if (this.face === face) return;
		this.face = face;
		this.element.hidden = files.length === 0;
		this.element.replaceChildren(...files.map((file) => this.entry(file, unsent.get(file.id), mine)));
	}

	private entry(file: Attachment, part: number | null | undefined, mine: boolean): HTMLElement {
		const { id, name, type, size } = file;
		const sent = part === undefined;
		const facts = sent ? bytes(size) : part === null ? `◷ ${say('waitingShort')}` : written(part, { style: 'percent' });
		const open = button(
			{ class: 'file', disabled: !sent, title: say('saveFile', name) },
			'',
			() => void this.save(file, open),
			this.signal,
		);
		open.append(el('bdi', { class: 'name' }, name), el('span', { class: 'facts' }, facts));
		const item = el('li', {}, open);
		if (sent && picture.test(type)) void this.draw(id, open);
		if (mine && sent) {
			const label = say('removeFile', name);
			item.append(
				button(
					{ class: 'remove', 'aria-label': label, title: label },
					icon('close'),
					() => this.on.remove(file),
					this.signal,
				),
			);
		}
		return item;
	}

	/** Draws a picture without an address of its own, so that no policy of the page forbids it. */
	private async draw(id: string, into: HTMLElement): Promise<void> {
		const known = this.drawn.get(id);
		if (known) return into.prepend(known);
		try {
			const image = await createImageBitmap(await this.on.read(id));
			const scale = Math.min(1, width / image.width, height / image.height);
			const canvas = el('canvas', { 'aria-hidden': 'true' });
			// Twice as many dots, for screens that have them.
			canvas.width = Math.min(image.width, Math.ceil(image.width * scale * 2));
			canvas.height = Math.min(image.height, Math.ceil(image.height * scale * 2));
			canvas.style.width = `${Math.ceil(image.width * scale)}px`;
			canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
			image.close();
			this.drawn.set(id, canvas);
			into.prepend(canvas);
		} catch {
			// What cannot be had or read now is still a file with a name.
		}
	}

	private async save({ id, name }: Attachment, from: HTMLElement): Promise<void> {
		try {
			const address = URL.createObjectURL(await this.on.read(id));
			el('a', { href: address, download: name }).click();
			setTimeout(() => URL.revokeObjectURL(address), 60_000);
		} catch (cause) {
			from.querySelector('.facts')?.replaceChildren(failure(cause));
		}
	}
}

/** A size in the unit that suits it. */
function bytes(size: number): string {
	const large = size >= 1e6;
	const unit = large ? 'megabyte' : 'kilobyte';
	return written(large ? size / 1e6 : Math.ceil(size / 1e3), { style: 'unit', unit, maximumFractionDigits: 1 });
}

function written(number: number, options: Intl.NumberFormatOptions): string {
	return new Intl.NumberFormat(language(), options).format(number);
}

/** Shares of one tag: shown, and on a click or Enter changed by hand. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { JSX } from 'preact';

const SHARES_MAX = 10_000;

interface ShareEditorProps {
  readonly tag: string;
  readonly shares: number;
  readonly readOnly: boolean;
  readonly open: boolean;
  readonly setOpen: (open: boolean) => void;
  readonly save: (tag: string, shares: number) => Promise<boolean>;
  /** Where the keyboard goes afterwards. */
  readonly done: () => void;
}

export function ShareEditor({ tag, shares, readOnly, open, setOpen, save, done }: ShareEditorProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    if (!open) return;
    setText(String(shares));
    // After the value is in the box, or the selection would be of the old one.
    requestAnimationFrame(() => input.current?.select());
  }, [open]);
  if (readOnly) return <span title="This service takes no changes over HTTP">{shares}</span>;
  if (!open) {
    return (
      <button
        type="button"
        class="edit"
        aria-label={`Shares of ${tag}: ${String(shares)}. Change`}
        onClick={(event) => {
          event.stopPropagation();
          setOpen(true);
        }}
      >
        {shares}
      </button>
    );
  }
  const value = Number(text);
  const valid = /^\d+$/.test(text) && value >= 1 && value <= SHARES_MAX;
  const close = (): void => {
    setOpen(false);
    done();
  };
  const submit = async (): Promise<void> => {
    if (!valid || busy) return;
    setBusy(true);
    const saved = await save(tag, value);
    setBusy(false);
    if (saved) close();
  };
  return (
    <input
      ref={input}
      class="edit"
      type="text"
      inputMode="numeric"
      value={text}
      disabled={busy}
      aria-label={`Shares of ${tag}, 1 to ${String(SHARES_MAX)}`}
      aria-invalid={!valid}
      title={valid ? 'Enter saves, Escape leaves it' : `1 to ${String(SHARES_MAX)}`}
      onClick={(event) => event.stopPropagation()}
      onInput={(event) => setText(event.currentTarget.value)}
      onBlur={() => !busy && setOpen(false)}
      onKeyDown={(event) => {
        if (event.key === 'Enter') void submit();
        else if (event.key === 'Escape') close();
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
    />
  );
}

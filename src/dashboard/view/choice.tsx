/** One of a few, as a row of buttons: arrow keys choose, Tab goes past (ARIA's radio group). */
import { useRef } from 'preact/hooks';
import type { JSX } from 'preact';

interface ChoiceProps<T extends string> {
  readonly label: string;
  readonly options: readonly T[];
  readonly value: T;
  readonly show?: (option: T) => string;
  readonly choose: (option: T) => void;
}

export function Choice<T extends string>({ label, options, value, show, choose }: ChoiceProps<T>): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const to = (options.indexOf(value) + step + options.length) % options.length;
    choose(options[to]!);
    (box.current!.children[to] as HTMLElement).focus();
  };
  return (
    <div ref={box} class="choice" role="radiogroup" aria-label={label} onKeyDown={move}>
      {options.map((option) => (
        <button
          key={option}
          type="button"
          role="radio"
          aria-checked={option === value}
          tabIndex={option === value ? 0 : -1}
          onClick={() => choose(option)}
        >
          {show === undefined ? option : show(option)}
        </button>
      ))}
    </div>
  );
}

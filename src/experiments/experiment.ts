/**
 * What an experiment is.
 *
 *   Scenario   one setup of machines; run once with every seed
 *   Point      one application of a scenario, over its runs: means with confidence intervals
 *   Claim      a sentence that the points bear out or do not, and which of the two is expected
 *   Figure     scenarios, a plot of their points, claims on them
 *
 * Figures may share scenarios (throughput and latency of the same runs are two figures): each runs once.
 */
import type { MachineSetup } from '../simulator/guests/setup.js';
import type { Estimate } from './statistics.js';

export interface Scenario {
  /** Unique over all figures: `hdd/random-read`. */
  readonly id: string;
  readonly setup: MachineSetup;
  /** Runs for each that is asked for, where one setup differs much from seed to seed; 1 where absent. */
  readonly times?: number;
  /** What orders requests, where another stands in for the setup's. */
  readonly algorithm?: string;
}

export interface Point {
  readonly tag: string;
  readonly shares: number;
  readonly opsPerS: Estimate;
  readonly mbPerS: Estimate;
  readonly meanMs: Estimate;
  readonly p50Ms: Estimate;
  readonly p95Ms: Estimate;
  readonly p99Ms: Estimate;
  /** Over all runs. */
  readonly ops: number;
  readonly diskIos: number;
}

/** A scenario's runs together. */
export interface ScenarioResult {
  readonly id: string;
  readonly setup: MachineSetup;
  readonly seeds: readonly number[];
  /** In the order of the setup's applications. */
  readonly points: readonly Point[];
  readonly diskIosPerS: Estimate;
  readonly diskMbPerS: Estimate;
  readonly diskIos: number;
}

/** The results of a figure's scenarios, by id. */
export type Results = ReadonlyMap<string, ScenarioResult>;

export interface Verdict {
  readonly holds: boolean;
  /** What was found, in figures. */
  readonly found: string;
}

/**
 * Whether the model is known to show the claim. A claim that is expected and fails, or is not and holds,
 * is a change that somebody has to look at: both fail the command.
 */
export type Expectation =
  { readonly kind: 'reproduced' } | { readonly kind: 'not reproduced'; readonly because: string };

export interface Claim {
  /** Unique over all figures: `figure-4.sequential-read`. */
  readonly id: string;
  /** Whose sentence it is. */
  readonly source: 'paper' | 'ours';
  /** The sentence, in our words. */
  readonly says: string;
  /** What is measured and where the threshold lies. */
  readonly threshold: string;
  readonly expected: Expectation;
  readonly judge: (results: Results) => Verdict;
}

export interface Figure {
  /** What it is asked for by. */
  readonly name: string;
  readonly title: string;
  /** What the paper says and shows, or what the question is. */
  readonly about: string;
  readonly scenarios: readonly Scenario[];
  readonly plots: readonly Plot[];
  readonly claims: readonly Claim[];
  /** What a reader has to know to judge the figure. */
  readonly notes: readonly string[];
  /** Below the claims: what the figure is held against. */
  readonly tables?: (results: Results) => readonly Table[];
}

export interface Table {
  readonly caption: string;
  readonly head: readonly string[];
  /** Numbers as they are printed. */
  readonly rows: readonly (readonly string[])[];
}

/** One row of a plot's data. */
export interface PlotRow {
  /** Values of the x axis: a number or a category. */
  readonly x: number | string;
  readonly y: Estimate;
  /** Line or colour. */
  readonly series: string;
  /** Which small plot of several; '' where there is one. */
  readonly panel: string;
}

export interface Plot {
  /** File name without its ending. */
  readonly name: string;
  readonly kind: 'lines' | 'bars' | 'stacked';
  readonly xTitle: string;
  /** With its unit. */
  readonly yTitle: string;
  readonly seriesTitle: string;
  readonly logX?: boolean;
  readonly logY?: boolean;
  /** One y axis for all small plots, so that they can be held against each other. */
  readonly sharedY?: boolean;
  readonly rows: (results: Results) => readonly PlotRow[];
}

/** The dashboard of a Sluice service: reads the HTTP API that serves it, and nothing else. */
import { render } from 'preact';
import 'uplot/dist/uPlot.min.css';
import './styles.css';
import { Model } from './data/model.js';
import { App } from './view/app.js';

const model = new Model();
render(<App model={model} />, document.getElementById('page')!);
model.start();

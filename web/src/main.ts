/** The entry point of the page. */
import { mount } from "svelte";
import App from "./App.svelte";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/classes.css";

const place = document.getElementById("page");
if (place) mount(App, { target: place });

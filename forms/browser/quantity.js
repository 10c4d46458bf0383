// Work done in bulk, kept on this phone.
import { keepForm } from "./keep_form.js";

const form = document.getElementById("quantity-form");

if (form)
  keepForm(form, {
    again: "/field/quantity",
    fill: ({ campaign, quantity }) => ({ campaign, ...quantity }),
    item: ({ campaign, approximate, ...said }) => ({
      kind: "quantity",
      url: "/field/quantities",
      body: { campaign, quantity: { ...said, approximate: Boolean(approximate) } },
      title: `${said.action} ${said.item} ${said.quantity} ${said.measure_unit}`,
      about: form.elements.unit.selectedOptions[0].textContent.trim(),
    }),
  });

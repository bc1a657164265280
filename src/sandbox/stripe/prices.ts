/** Products and prices, made beforehand or inside another call (`price_data`). */
import { readCurrency, readSignedAmount } from './amounts.ts';
import {
  asItWas,
  type Call,
  filtered,
  fromPath,
  type Handler,
  list,
  type Routes,
  readMetadata,
  readText,
} from './call.ts';
import { invalid, missing, noSuch } from './errors.ts';
import { inside } from './form.ts';
import { newId } from './ids.ts';
import type { Price, Product, Recurring } from './objects/price.ts';
import { render } from './records.ts';

const createProduct: Handler = (call) => {
  const name = call.form.text('name');
  if (!name) throw missing('name');
  return render(addProduct(call, name, readText(call.form, 'id')));
};

const updateProduct: Handler = (call) => {
  const product = fromPath(call, 'product');
  const before = asItWas(product);
  product.name = readText(call.form, 'name', product.name) ?? product.name;
  product.metadata = readMetadata(call.form, product.metadata);
  call.books.save(product, 'product.updated', before);
  return render(product);
};

const createPrice: Handler = (call) => {
  const { form } = call;
  const name = form.text('product_data[name]');
  const product = form.text('product') ?? (name && addProduct(call, name, null).id);
  if (!product) throw missing('product');
  return render(addPrice(call, '', product));
};

const updatePrice: Handler = (call) => {
  const price = fromPath(call, 'price');
  const before = asItWas(price);
  price.metadata = readMetadata(call.form, price.metadata);
  call.books.save(price, 'price.updated', before);
  return render(price);
};

/**
 * The price that `items[0]` (the `prefix`) names by `price`, its older name `plan`, or describes by
 * `price_data`. Undefined: none of them. Throws Stripe's 400 for one that does not exist.
 */
export function readPrice(call: Call, prefix: string): Price | undefined {
  const { form, books } = call;
  const at = (name: string) => inside(prefix, name);
  const id =
    form.text(at('price')) ?? form.text(`${at('pricing')}[price]`) ?? form.text(at('plan'));
  if (id) {
    const price = books.find('price', id);
    if (!price) throw noSuch('price', id, at('price'));
    return price;
  }
  const data = at('price_data');
  if (!form.map(data)) return undefined;
  return addPrice(call, data, form.text(`${data}[product]`) ?? newId('prod_', 14));
}

function addProduct(call: Call, name: string, id: string | null): Product {
  return call.books.add<Product>(
    {
      id: id ?? newId('prod_', 14),
      created: call.now,
      metadata: readMetadata(call.form),
      object: 'product',
      name,
      active: true,
    },
    'product.created',
  );
}

function addPrice(call: Call, prefix: string, product: string): Price {
  const { form } = call;
  const at = (name: string) => inside(prefix, name);
  const amount = readSignedAmount(form, at('unit_amount'));
  const decimal = form.text(at('unit_amount_decimal'));
  const unitAmount = amount ?? (decimal === undefined ? undefined : Number(decimal));
  if (unitAmount === undefined) throw missing(at('unit_amount'));
  if (!Number.isInteger(unitAmount) || unitAmount < 0) {
    throw invalid('Invalid non-negative integer', at('unit_amount'));
  }
  // One that is described inside another call is no change that has an event.
  const event = prefix ? undefined : 'price.created';
  return call.books.add<Price>(
    {
      id: newId('price_1', 23),
      created: call.now,
      metadata: prefix ? {} : readMetadata(form),
      object: 'price',
      product,
      currency: readCurrency(form, at('currency')),
      unitAmount,
      recurring: readRecurring(call, at('recurring')),
      active: !prefix,
    },
    event,
  );
}

function readRecurring({ form }: Call, name: string): Recurring | null {
  const interval = form.text(`${name}[interval]`);
  if (interval === undefined) return null;
  if (interval === 'day' || interval === 'week' || interval === 'month' || interval === 'year') {
    return { interval, count: Number(form.text(`${name}[interval_count]`) ?? 1) };
  }
  throw invalid(`Invalid interval: ${interval}`, `${name}[interval]`);
}

const retrieveProduct: Handler = (call) => render(fromPath(call, 'product'));
const listProducts: Handler = (call) => list(call, call.books.all('product'));
const retrievePrice: Handler = (call) => render(fromPath(call, 'price'));
const listPrices: Handler = (call) =>
  list(
    call,
    filtered(call.form, 'product', call.books.all('price'), (price) => price.product),
  );

export const PRICE_ROUTES: Routes = [
  ['POST /v1/products', createProduct],
  ['GET /v1/products', listProducts],
  ['GET /v1/products/*', retrieveProduct],
  ['POST /v1/products/*', updateProduct],
  ['POST /v1/prices', createPrice],
  ['GET /v1/prices', listPrices],
  ['GET /v1/prices/*', retrievePrice],
  ['POST /v1/prices/*', updatePrice],
];

//! Known bytes for each type and order, and round trips for all of them.

use super::*;
use labkeeper_model::site::{Access, Register, Table, Takeover};
use proptest::prelude::*;

fn layout(value_type: ValueType, word_order: WordOrder, scale: f64, offset: f64) -> Layout {
    Layout { value_type, word_order, scale, offset }
}

fn plain(value_type: ValueType, word_order: WordOrder) -> Layout {
    layout(value_type, word_order, 1.0, 0.0)
}

fn tag(table: Table, value_type: ValueType, scale: f64) -> TagSpec {
    TagSpec {
        description: String::new(),
        register: Register { table, address: 0 },
        value_type,
        word_order: WordOrder::Big,
        access: Access::ReadWrite,
        unit: String::new(),
        scale,
        offset: 0.0,
        deadband: 0.0,
        limits: None,
        verify: None,
        takeover: Takeover::Adopt,
        safe: None,
        dangerous: false,
        alarms: vec![],
        ..TagSpec::default()
    }
}

/// Both directions, against words written down by hand.
fn assert_words(layout: Layout, value: Value, words: &[u16]) {
    assert_eq!(layout.encode(&value).as_deref(), Ok(words), "{layout:?}");
    assert_eq!(layout.decode(&Cells::Words(words.to_vec()), 0), Ok(value), "{layout:?}");
}

#[test]
fn known_words_of_every_type_in_both_orders() {
    use WordOrder::{Big, Little};
    assert_words(plain(ValueType::Bool, Big), Value::Bool(true), &[1]);
    assert_words(plain(ValueType::I16, Big), Value::I64(-2), &[0xfffe]);
    assert_words(plain(ValueType::U16, Big), Value::U64(0xfffe), &[0xfffe]);
    assert_words(plain(ValueType::I32, Big), Value::I64(-2), &[0xffff, 0xfffe]);
    assert_words(plain(ValueType::I32, Little), Value::I64(-2), &[0xfffe, 0xffff]);
    assert_words(plain(ValueType::U32, Big), Value::U64(0x0001_0002), &[1, 2]);
    assert_words(plain(ValueType::U32, Little), Value::U64(0x0001_0002), &[2, 1]);
    assert_words(plain(ValueType::I64, Big), Value::I64(i64::MIN), &[0x8000, 0, 0, 0]);
    assert_words(plain(ValueType::U64, Big), Value::U64(0x0001_0002_0003_0004), &[1, 2, 3, 4]);
    assert_words(plain(ValueType::U64, Little), Value::U64(u64::MAX - 1), &[0xfffe, 0xffff, 0xffff, 0xffff]);
    // IEEE 754: 1.0 is 3f800000 and 3ff0000000000000; -118.625 is c2ed4000.
    assert_words(plain(ValueType::F32, Big), Value::F64(-118.625), &[0xc2ed, 0x4000]);
    assert_words(plain(ValueType::F32, Little), Value::F64(1.0), &[0x0000, 0x3f80]);
    assert_words(plain(ValueType::F64, Big), Value::F64(1.0), &[0x3ff0, 0, 0, 0]);
    assert_words(plain(ValueType::F64, Little), Value::F64(1.0), &[0, 0, 0, 0x3ff0]);
    assert_words(plain(ValueType::Text(5), Little), Value::Text("abcd".into()), &[0x6162, 0x6364, 0]);
}

#[test]
fn decimal_scales_read_as_decimals() {
    let tenth = layout(ValueType::I16, WordOrder::Big, 0.1, 0.0);
    assert_words(tenth, Value::F64(0.3), &[3]);
    assert_words(tenth, Value::F64(-3276.8), &[0x8000]);
    assert_words(layout(ValueType::U16, WordOrder::Big, 2.5, -10.0), Value::F64(-5.0), &[2]);
    assert_words(layout(ValueType::F32, WordOrder::Big, 0.001, 0.0), Value::F64(0.002), &[0x4000, 0]);
    assert_words(plain(ValueType::F32, WordOrder::Big), Value::F64(20.1), &[0x41a0, 0xcccd]);
}

#[test]
fn what_registers_cannot_hold_is_refused() {
    let out_of_range = |l: Layout, v: Value| assert!(matches!(l.encode(&v), Err(UnfitValue::OutOfRange { .. })), "{l:?} {v}");
    out_of_range(plain(ValueType::U16, WordOrder::Big), Value::I64(-1));
    out_of_range(plain(ValueType::I16, WordOrder::Big), Value::U64(u64::MAX));
    out_of_range(plain(ValueType::I64, WordOrder::Big), Value::F64(9.3e18));
    out_of_range(plain(ValueType::F32, WordOrder::Big), Value::F64(1e39));
    out_of_range(layout(ValueType::I16, WordOrder::Big, 0.1, 0.0), Value::F64(3276.9));
    assert_eq!(plain(ValueType::F64, WordOrder::Big).encode(&Value::F64(f64::NAN)), Err(UnfitValue::NotFinite));
    assert!(plain(ValueType::Text(2), WordOrder::Big).encode(&Value::Text("a\0".into())).is_err());
    assert_eq!(plain(ValueType::Text(2), WordOrder::Big).encode(&Value::Text("abc".into())), Err(UnfitValue::TooLong { max: 2 }));
}

#[test]
fn cells_that_are_no_value_say_why() {
    let words = |w: &[u16]| Cells::Words(w.to_vec());
    let f32_big = plain(ValueType::F32, WordOrder::Big);
    assert_eq!(f32_big.decode(&words(&[0x7fc0, 0]), 0), Err(NoValue::NotFinite));
    assert_eq!(f32_big.decode(&words(&[1]), 0), Err(NoValue::Cells));
    assert_eq!(f32_big.decode(&words(&[1, 2]), usize::MAX), Err(NoValue::Cells));
    assert_eq!(f32_big.decode(&Cells::Bits(vec![true]), 0), Err(NoValue::Cells));
    assert_eq!(plain(ValueType::Text(2), WordOrder::Big).decode(&words(&[0xff41]), 0), Err(NoValue::NotText));
    assert_eq!(plain(ValueType::Bool, WordOrder::Big).decode(&Cells::Bits(vec![false, true]), 1), Ok(Value::Bool(true)));
}

#[test]
fn a_tag_writes_bits_to_coils_and_words_to_registers_and_keeps_its_limits() {
    assert_eq!(encode(&tag(Table::Coil, ValueType::Bool, 1.0), &Value::Bool(true)), Ok(Cells::Bits(vec![true])));
    assert_eq!(encode(&tag(Table::Holding, ValueType::Bool, 1.0), &Value::Bool(true)), Ok(Cells::Words(vec![1])));
    assert_eq!(encode(&tag(Table::Holding, ValueType::U16, 0.1), &Value::F64(1.5)), Ok(Cells::Words(vec![15])));
    assert_eq!(encode(&tag(Table::Holding, ValueType::U16, 1.0), &Value::F64(1.5)), Err(UnfitValue::NotWhole));
}

fn any_layout() -> impl Strategy<Value = Layout> {
    let kind = prop_oneof![
        Just(ValueType::I16),
        Just(ValueType::U16),
        Just(ValueType::I32),
        Just(ValueType::U32),
        Just(ValueType::I64),
        Just(ValueType::U64),
        Just(ValueType::F32),
        Just(ValueType::F64)
    ];
    let order = prop_oneof![Just(WordOrder::Big), Just(WordOrder::Little)];
    let scale = prop_oneof![Just((1.0, 0.0)), Just((0.1, 0.0)), Just((0.001, 5.0)), Just((-2.5, 100.0)), Just((10.0, -273.15))];
    (kind, order, scale).prop_map(|(kind, order, (scale, offset))| layout(kind, order, scale, offset))
}

proptest! {
    #[test]
    fn words_become_a_value_and_the_same_words_again(layout in any_layout(), words in prop::array::uniform4(any::<u16>())) {
        let words = &words[..usize::from(layout.value_type.cells())];
        // Not finite is refused in the test of its own above.
        let Ok(value) = layout.decode(&Cells::Words(words.to_vec()), 0) else { return Ok(()) };
        let wide = layout.value_type.cells() == 4 && !(layout.scale == 1.0 && layout.offset == 0.0);
        match layout.encode(&value) {
            Ok(back) if !wide && layout.value_type != ValueType::F32 => prop_assert_eq!(back, words),
            // A real number of 64 bits cannot carry a scaled value of 64 bits to the last bit, nor a scaled single's sign of zero:
            // there the value has to come back, to one part in 10^6 of a single or 10^12 of a double.
            Ok(back) => {
                let again = layout.decode(&Cells::Words(back), 0).unwrap().as_f64().unwrap();
                let first = value.as_f64().unwrap();
                let relative = if layout.value_type == ValueType::F32 { 1e-6 } else { 1e-12 };
                prop_assert!((again - first).abs() <= relative * first.abs().max(layout.offset.abs()).max(1e-300), "{first} came back as {again}");
            }
            // At the very ends of the range, rounding may step over; never elsewhere.
            Err(UnfitValue::OutOfRange { min, max }) => {
                let v = value.as_f64().unwrap();
                prop_assert!(wide || layout.value_type == ValueType::F32);
                prop_assert!((v - min).abs() <= 1e-6 * min.abs() || (v - max).abs() <= 1e-6 * max.abs(), "{v} of {min} to {max}");
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn texts_come_back(text in "[ -~äöµ°]{0,20}") {
        let layout = plain(ValueType::Text(60), WordOrder::Little);
        let words = layout.encode(&Value::Text(text.clone())).unwrap();
        prop_assert_eq!(words.len(), 30);
        prop_assert_eq!(layout.decode(&Cells::Words(words), 0), Ok(Value::Text(text)));
    }

    #[test]
    fn no_cells_make_it_panic(layout in any_layout(), words in prop::collection::vec(any::<u16>(), 0..6), offset in any::<usize>()) {
        let _ = layout.decode(&Cells::Words(words.clone()), offset);
        let _ = layout.decode(&Cells::Words(words), 0);
    }
}

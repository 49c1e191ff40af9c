package flink;

import jvm.Window;
import org.apache.flink.api.common.functions.AggregateFunction;

/** Values into windows, one by one. */
final class Folding implements AggregateFunction<Reading, Window, Window> {
    @Override
    public Window createAccumulator() {
        return new Window();
    }

    @Override
    public Window add(Reading reading, Window window) {
        return window.add(reading.value);
    }

    @Override
    public Window getResult(Window window) {
        return window;
    }

    @Override
    public Window merge(Window one, Window other) {
        return one.merge(other);
    }
}

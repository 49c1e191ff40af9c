package flink;

import jvm.Run;
import jvm.Window;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** Windows that are over. */
final class Closed extends ProcessWindowFunction<Window, Window, String, TimeWindow> {
    /** The pass that is being made: jobs of a local cluster run in this process. */
    static volatile Run run;

    @Override
    public void process(String series, Context context, Iterable<Window> found, Collector<Window> out) {
        for (Window window : found) {
            run.closed(series, context.window().getStart(), window);
            out.collect(window);
        }
    }
}
